import type { RecipeSource } from '../recipe.ts';

/** Tiny system of this host's static busybox; made in a second, without a mirror. */
export const busybox: RecipeSource = {
  name: 'busybox',
  description: 'BusyBox (tiny)',
  os: 'BusyBox',
  release: '1',
  type: 'container',
  needsMirror: false,
  base: {
    kind: 'busybox',
    directories: [
      'bin',
      'sbin',
      'usr/bin',
      'usr/sbin',
      'usr/share/udhcpc',
      'etc',
      'dev',
      'proc',
      'sys',
      'run',
      'root',
      'tmp',
      'var/log',
      'var/tmp',
      'mnt',
    ],
  },
  files: [
    {
      path: '/sbin/init',
      mode: 0o755,
      // busybox's own init ignores SIGPWR, by which LXC asks a container to shut down; a shell as process 1 traps it and reaps as well.
      content: `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=\${TERM:-linux}
down() {
  trap '' PWR TERM INT USR1 USR2
  kill -TERM -1
  n=0
  while [ $n -lt 20 ] && [ "$(ls -d /proc/[0-9]* | wc -l)" -gt 3 ]; do usleep 50000; n=$((n + 1)); done
  kill -KILL -1
  exec "$1" -f
}
trap 'down poweroff' PWR USR1 USR2
trap 'down reboot' INT TERM
[ -s /etc/hostname ] && hostname -F /etc/hostname 2>/dev/null
ip link set lo up 2>/dev/null
[ -x /etc/rc.local ] && /etc/rc.local
udhcpc -s /usr/share/udhcpc/default.script -f -i eth0 -R -S -t 3 -T 1 -A 2 -x "hostname:$(hostname)" </dev/null >/dev/null 2>&1 &
[ -e /dev/console ] && (while :; do setsid getty -L 0 console linux; sleep 1; done) </dev/null >/dev/null 2>&1 &
while :; do
  sleep 86400 &
  wait
done
`,
    },
    {
      path: '/usr/share/udhcpc/default.script',
      mode: 0o755,
      content: `#!/bin/sh
case "$1" in
deconfig)
  ip addr flush dev "$interface" scope global
  ip link set "$interface" up
  ;;
renew | bound)
  ip addr replace "$ip/\${mask:-24}" dev "$interface"
  for address in $router; do
    ip route replace default via "$address" dev "$interface"
    break
  done
  {
    [ -n "$domain" ] && echo "search $domain"
    for address in $dns; do echo "nameserver $address"; done
  } >/etc/resolv.conf.new
  mv /etc/resolv.conf.new /etc/resolv.conf
  ;;
esac
`,
    },
    { path: '/etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' },
    { path: '/etc/group', content: 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' },
    { path: '/etc/shadow', content: 'root:*:19000:0:99999:7:::\n', mode: 0o640 },
    { path: '/etc/profile', content: 'export PATH=/usr/sbin:/usr/bin:/sbin:/bin\n' },
    { path: '/etc/resolv.conf', content: '' },
    { path: '/etc/os-release', content: 'ID=busybox\nNAME=BusyBox\nPRETTY_NAME=BusyBox\n' },
  ],
  links: [],
  empty: [],
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
      content: '127.0.0.1\tlocalhost\n127.0.1.1\t{{ instance.name }}\n::1\tlocalhost\n',
    },
  ],
};
