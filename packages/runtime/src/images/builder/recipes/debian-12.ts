import type { RecipeSource } from '../recipe.ts';

/** Debian 12 with systemd: DHCP on eth0 by systemd-networkd, names by systemd-resolved. Root has no password: one enters through the host. */
export const debian12: RecipeSource = {
  name: 'debian/12',
  description: 'Debian 12 (bookworm)',
  os: 'Debian',
  release: 'bookworm',
  type: 'container',
  needsMirror: true,
  base: {
    kind: 'debian',
    suite: 'bookworm',
    updates: ['bookworm-updates'],
    components: 'main',
    variant: 'minbase',
    packages: [
      'systemd',
      'systemd-sysv',
      'systemd-resolved',
      'dbus',
      'iproute2',
      'iputils-ping',
      'libcap2-bin',
      'ca-certificates',
      'netbase',
      'procps',
      'less',
      'nano',
      'bash-completion',
    ],
  },
  files: [
    {
      path: '/etc/systemd/network/80-eth0.network',
      // Leases follow the hardware address: the machine id is new in every copy, and the same in none.
      content: `[Match]
Name=eth0

[Network]
DHCP=yes
IPv6AcceptRA=yes

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
UseHostname=no
`,
    },
    {
      path: '/etc/systemd/system/service.d/10-container.conf',
      // An unprivileged container may be refused the mounts that these ask for (by AppArmor, or because /proc is masked), and the
      // service would then not start. The container is the sandbox here.
      content: `[Service]
ProcSubset=all
ProtectProc=default
ProtectControlGroups=no
ProtectKernelTunables=no
ProtectKernelModules=no
ProtectKernelLogs=no
ProtectHostname=no
PrivateDevices=no
`,
    },
    // Empty: systemd writes a new one at the first boot.
    { path: '/etc/machine-id', content: '', mode: 0o444 },
    { path: '/etc/default/locale', content: 'LANG=C.UTF-8\n' },
    { path: '/etc/fstab', content: '' },
    // Until the template is rendered; not the name of the host that built it.
    { path: '/etc/hostname', content: 'localhost\n' },
  ],
  links: [
    { path: '/etc/resolv.conf', target: '../run/systemd/resolve/stub-resolv.conf' },
    {
      path: '/etc/systemd/system/dbus-org.freedesktop.network1.service',
      target: '/lib/systemd/system/systemd-networkd.service',
    },
    {
      path: '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service',
      target: '/lib/systemd/system/systemd-networkd.service',
    },
    {
      path: '/etc/systemd/system/sockets.target.wants/systemd-networkd.socket',
      target: '/lib/systemd/system/systemd-networkd.socket',
    },
    {
      path: '/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service',
      target: '/lib/systemd/system/systemd-networkd-wait-online.service',
    },
  ],
  empty: [
    '/dev',
    '/proc',
    '/sys',
    '/run',
    '/tmp',
    '/var/tmp',
    '/var/lib/apt/lists',
    '/var/cache/apt',
    '/var/log/journal',
    '/root/.cache',
    '/etc/.resolv.conf.systemd-resolved.bak',
  ],
  templates: [
    {
      target: '/etc/hostname',
      name: 'hostname.tpl',
      when: ['create', 'copy', 'rename'],
      content: '{{ instance.name }}\n',
    },
    {
      target: '/etc/hosts',
      name: 'hosts.tpl',
      when: ['create', 'copy', 'rename'],
      content: `127.0.0.1\tlocalhost
127.0.1.1\t{{ instance.name }}

::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`,
    },
  ],
};
