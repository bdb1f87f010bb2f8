'use client';

import * as Slot from 'radix-ui/slot';
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

type Side = 'top' | 'right' | 'bottom' | 'left';
const delayMs = 350;
const gap = 6;
const edge = 8;

/** Beside its anchor, moved so that all of it is in sight; on the other side when there is no room. */
function place(bubble: HTMLElement, anchor: DOMRect, side: Side): void {
  const { width, height } = bubble.getBoundingClientRect();
  const middleX = anchor.left + (anchor.width - width) / 2;
  const middleY = anchor.top + (anchor.height - height) / 2;
  const below = anchor.bottom + gap;
  const above = anchor.top - gap - height;
  let left = side === 'right' ? anchor.right + gap : side === 'left' ? anchor.left - gap - width : middleX;
  let top = side === 'top' ? above : side === 'bottom' ? below : middleY;
  if (side === 'bottom' && top + height > innerHeight - edge) top = above;
  if (side === 'top' && top < edge) top = below;
  left = Math.max(edge, Math.min(left, innerWidth - width - edge));
  top = Math.max(edge, top);
  bubble.style.left = `${left}px`;
  bubble.style.top = `${top}px`;
}

/**
 * A short explanation on hover and on focus. For the eye only: what it says must be in the control's own name or description too
 * (`IconButton` and the reason of a `Button` take care of that).
 */
export function Tooltip({ text, children, side = 'bottom' }: { text: ReactNode; children: ReactElement; side?: Side }) {
  const [anchor, setAnchor] = useState<DOMRect | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const hide = () => {
    clearTimeout(timer.current);
    setAnchor(null);
  };
  const show = (element: Element, afterMs: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => element.isConnected && setAnchor(element.getBoundingClientRect()), afterMs);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!anchor) return;
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && setAnchor(null);
    const onScroll = () => setAnchor(null);
    addEventListener('keydown', onKey);
    addEventListener('scroll', onScroll, true);
    return () => {
      removeEventListener('keydown', onKey);
      removeEventListener('scroll', onScroll, true);
    };
  }, [anchor]);
  return (
    <>
      <Slot.Root
        onPointerEnter={(event) => event.pointerType === 'mouse' && show(event.currentTarget, delayMs)}
        onPointerLeave={hide}
        onPointerDown={hide}
        onFocus={(event) => event.currentTarget.matches(':focus-visible') && show(event.currentTarget, 0)}
        onBlur={hide}
      >
        {children}
      </Slot.Root>
      {anchor &&
        createPortal(
          <div
            aria-hidden
            ref={(bubble) => {
              if (bubble) place(bubble, anchor, side);
            }}
            className="pointer-events-none fixed top-0 left-0 z-[70] w-max max-w-72 animate-fade rounded-md bg-ink px-2 py-1 text-xs text-bg shadow-pop"
          >
            {text}
          </div>,
          document.body,
        )}
    </>
  );
}
