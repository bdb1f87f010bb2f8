export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

const absolute = (path: string | undefined, otherwise: string) =>
  path?.startsWith('/') && !/[\u0000-\u001f]/.test(path) ? path : otherwise;

/** Lines of /etc/passwd. The file is the guest's: what is odd in it is passed over. */
export function parseAccounts(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home, shell] = line.split(':');
    if (!name || !/^\d{1,10}$/.test(uid ?? '') || !/^\d{1,10}$/.test(gid ?? '')) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: absolute(home, '/'), shell: absolute(shell, '/bin/sh') }];
  });
}

/** root is there even when the file is not. */
export function findAccount(accounts: readonly Account[], name: string): Account | null {
  const found = accounts.find((account) => account.name === name);
  return found ?? (name === 'root' ? { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/sh' } : null);
}
