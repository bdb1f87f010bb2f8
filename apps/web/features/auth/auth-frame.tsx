import type { ReactNode } from 'react';
import { Logo } from '../shell/logo.tsx';

/** The page around signing in and setting up. */
export function AuthFrame({
  title,
  description,
  children,
}: {
  title: string;
  description: string;
  children: ReactNode;
}) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center gap-2.5">
          <Logo className="size-9" />
          <span className="text-xl font-semibold tracking-tight">Stapes</span>
        </div>
        <div className="rounded-lg border border-line bg-surface p-6 shadow-pop">
          <h1 className="text-lg font-semibold">{title}</h1>
          <p className="mb-5 text-sm text-ink-2">{description}</p>
          {children}
        </div>
      </div>
    </main>
  );
}

export function FormError({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
      {children}
    </p>
  );
}
