'use client';

import { useEffect, useRef, type ReactNode } from 'react';

interface PageHeaderProps {
  title: string;
  /** Beside the title: badges, counts. */
  meta?: ReactNode;
  /** Under the title. */
  description?: ReactNode;
  actions?: ReactNode;
  /** Text of the browser tab when it is not the title. */
  documentTitle?: string;
}

/** The only h1 of a page. Sets the document's title and takes the focus after a navigation, so that a screen reader says where one is. */
export function PageHeader({ title, meta, description, actions, documentTitle }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${documentTitle ?? title} · Stapes`;
  }, [documentTitle, title]);
  useEffect(() => {
    const active = document.activeElement;
    if (!active || active === document.body) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-2">
      <div className="min-w-0 flex-1 basis-40">
        <div className="flex flex-wrap items-center gap-2">
          <h1 ref={heading} tabIndex={-1} className="min-w-0 text-xl font-semibold tracking-tight break-words">
            {title}
          </h1>
          {meta}
        </div>
        {description && <p className="text-sm text-ink-2">{description}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}
