/** The options of `tributary-server serve` for the clients of libSQL. Source of what they mean: `LibsqlOptions` of the library. */
export const LIBSQL_OPTIONS = {
  libsqlOffline: {
    kind: "merging",
    group: "Clients of libSQL",
    description:
      "What becomes of what offline replicas push: merged where their device is known, or refused after anybody else's.",
    default: "merge",
  },
  libsqlStrictDatabases: {
    kind: "databases",
    group: "Clients of libSQL",
    description: "With --data: the databases for which it is strict, whatever else holds. Repeatable.",
    defaultNote: "none",
  },
  libsqlProbe: {
    kind: "probe",
    group: "Clients of libSQL",
    description: "Which protocol is announced to clients that ask: frames, or that of embedded replicas.",
    default: "offline",
  },
  libsqlEmbeddedDatabases: {
    kind: "databases",
    group: "Clients of libSQL",
    description: "With --data: the databases for which it is that of embedded replicas. Repeatable.",
    defaultNote: "none",
  },
  maxOfflineReplicas: {
    kind: "count",
    group: "Clients of libSQL",
    description: "Offline replicas of one database that are merged; 429 beyond.",
    default: "1000",
    sync: "maxOfflineReplicas",
  },
  offlineReplicaRetention: {
    kind: "period",
    group: "Clients of libSQL",
    description:
      "What is kept for a replica goes when unused for this long, once its device has a newer one.",
    default: "30d",
    sync: "offlineReplicaRetentionMs",
  },
} as const;
