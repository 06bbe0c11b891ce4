/** The options of `tributary-server serve` for logs, metrics and the end. */
export const LOG_OPTIONS = {
  logLevel: {
    kind: "level",
    group: "Logs, metrics and the end",
    description:
      "What is logged on stderr: error, warn, info, debug or silent. With info, one line for each request.",
    default: "info",
  },
  logFormat: {
    kind: "format",
    group: "Logs, metrics and the end",
    description: "How: JSON for programs, text for people.",
    defaultNote: "text on a terminal, else json",
  },
  metrics: {
    kind: "switch",
    group: "Logs, metrics and the end",
    description: "Answers GET /metrics for Prometheus; with tokens, to those with admin access.",
    default: "false",
  },
  metricsDatabases: {
    kind: "count",
    group: "Logs, metrics and the end",
    description: "Databases that the metrics tell apart; all others are added up.",
    default: "50",
  },
  shutdownTimeout: {
    kind: "time",
    group: "Logs, metrics and the end",
    description: "On SIGTERM or SIGINT, requests under way get this long to finish.",
    default: "10s",
  },
} as const;
