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
          <li key={url}>
            <span className="inline-block w-20 text-ink-3">{kind.replace(/s$/, '')}</span>
            {kind === 'instances' ? (
              <Link href={instanceHref(decodeURIComponent(name))} className="text-accent-text hover:underline">
                {decodeURIComponent(name)}
              </Link>
            ) : (
              decodeURIComponent(name).slice(0, 40)
            )}
          </li>
        );
      })}
    </ul>
  );
}
