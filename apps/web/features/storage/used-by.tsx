import Link from 'next/link';
import { instanceHref } from '../../lib/instance-link.ts';

/** Links of an object's `used_by` URLs. */
export function UsedBy({ urls, empty }: { urls: readonly string[]; empty: string }) {
  if (urls.length === 0) return <p className="text-sm text-ink-2">{empty}</p>;
  return (
    <ul className="grid max-h-80 gap-1 overflow-y-auto text-sm">
      {urls.map((url) => {
        const [, , kind = '', name = ''] = url.split('?')[0]?.split('/') ?? [];
        return (
          <li key={url} className="grid grid-cols-[5rem_minmax(0,1fr)]">
            <span className="text-ink-3">{kind.replace(/s$/, '')}</span>
            {kind === 'instances' ? (
              <Link
                href={instanceHref(decodeURIComponent(name))}
                className="justify-self-start text-accent-text hover:underline"
              >
                {decodeURIComponent(name)}
              </Link>
            ) : (
              <span className="truncate" title={decodeURIComponent(name)}>
                {decodeURIComponent(name)}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
