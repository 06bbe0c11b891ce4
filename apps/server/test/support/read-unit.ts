const WORDS = { boolean: /^(yes|no)$/, seconds: /^[0-9]+$/, text: /^.+$/, any: /^.*$/ } as const;

/** Directives of systemd that a unit of ours may have, and what their values look like. */
const DIRECTIVES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  Unit: { Description: WORDS.text, Documentation: WORDS.text, Wants: WORDS.text, After: WORDS.text },
  Install: { WantedBy: WORDS.text },
  Service: {
    Type: /^(simple|exec|notify|forking|oneshot)$/,
    ExecStart: /^\/\S+( .+)?$/,
    LoadCredential: /^[a-z-]+:\/\S+$/,
    Restart: /^(no|always|on-success|on-failure|on-abnormal|on-abort)$/,
    RestartSec: WORDS.seconds,
    RestartPreventExitStatus: /^[0-9]+( [0-9]+)*$/,
    KillMode: /^(control-group|mixed|process)$/,
    TimeoutStopSec: WORDS.seconds,
    LimitNOFILE: /^[0-9]+$/,
    DynamicUser: WORDS.boolean,
    StateDirectory: /^[a-z-]+$/,
    StateDirectoryMode: /^0[0-7]{3}$/,
    WorkingDirectory: /^\//,
    UMask: /^0[0-7]{3}$/,
    NoNewPrivileges: WORDS.boolean,
    CapabilityBoundingSet: WORDS.any,
    AmbientCapabilities: WORDS.any,
    PrivateDevices: WORDS.boolean,
    PrivateTmp: WORDS.boolean,
    ProtectClock: WORDS.boolean,
    ProtectControlGroups: WORDS.boolean,
    ProtectHome: /^(yes|no|read-only|tmpfs)$/,
    ProtectHostname: WORDS.boolean,
    ProtectKernelLogs: WORDS.boolean,
    ProtectKernelModules: WORDS.boolean,
    ProtectKernelTunables: WORDS.boolean,
    ProtectProc: /^(noaccess|invisible|ptraceable|default)$/,
    ProtectSystem: /^(yes|no|full|strict)$/,
    RestrictAddressFamilies: /^AF_[A-Z0-9]+( AF_[A-Z0-9]+)*$/,
    RestrictNamespaces: WORDS.boolean,
    RestrictRealtime: WORDS.boolean,
    RestrictSUIDSGID: WORDS.boolean,
    LockPersonality: WORDS.boolean,
    SystemCallArchitectures: /^native$/,
    SystemCallFilter: /^~?@[a-z-]+( @[a-z-]+)*$/,
    SystemCallErrorNumber: /^E[A-Z]+$/,
  },
};

/** Sections of a systemd unit: values of each directive, by name. Throws where systemd would ignore something. */
export function readUnit(text: string): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let current: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fail = (what: string): never => {
      throw new Error(`line ${index + 1}: ${what}`);
    };
    if (line === "" || line.startsWith("#")) continue;
    const section = /^\[([A-Za-z]+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      if (!Object.hasOwn(DIRECTIVES, section)) fail(`there is no section ${section}`);
      current = section;
      sections.set(section, new Map());
      continue;
    }
    if (current === undefined) return fail("stands in no section");
    const [, name = "", value = ""] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? fail("is no directive");
    const pattern = DIRECTIVES[current]?.[name] ?? fail(`${name} is no directive of [${current}]`);
    if (!pattern.test(value)) fail(`${name} cannot be ${value}`);
    const directives = sections.get(current);
    directives?.set(name, [...(directives.get(name) ?? []), value]);
  }
  return sections;
}
