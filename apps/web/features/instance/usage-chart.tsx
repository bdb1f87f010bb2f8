'use client';

import { useId, useMemo, useState, type KeyboardEvent, type PointerEvent } from 'react';

export interface ChartSeries {
  label: string;
  /** CSS colour, from the design tokens. */
  color: string;
  values: number[];
}
interface ChartProps {
  title: string;
  /** Epoch ms, ascending, one for each value. */
  times: number[];
  series: ChartSeries[];
  format(value: number): string;
  /** Upper end of the scale when it is known (a limit); otherwise the largest value. */
  max?: number;
}

const width = 600;
const height = 120;

function path(values: number[], max: number, times: number[], closed: boolean): string {
  if (values.length === 0) return '';
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? first) - first);
  // One reading alone is a level, not a point.
  if (values.length === 1) return path([...values, ...values], max, [first, first + 1], closed);
  const points = values.map((value, index) => {
    const x = ((times[index] ?? first) - first) / span;
    return `${(x * width).toFixed(1)},${(height - (Math.min(value, max) / max) * (height - 4)).toFixed(1)}`;
  });
  return closed ? `M0,${height}L${points.join('L')}L${width},${height}Z` : `M${points.join('L')}`;
}

/** A small time graph: readable by pointer, by arrow keys and by a screen reader. */
export function UsageChart({ title, times, series, format, max }: ChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const titleId = useId();
  const top = useMemo(
    () =>
      max ?? Math.max(1.2 * series.reduce((most, one) => one.values.reduce((a, b) => Math.max(a, b), most), 0), 1e-9),
    [max, series],
  );
  const last = times.length - 1;
  const shown = at === null ? last : Math.min(at, last);
  const time = times[shown];

  const onPointer = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const first = times[0] ?? 0;
    const wanted = first + ((event.clientX - box.left) / box.width) * ((times.at(-1) ?? first) - first);
    let nearest = 0;
    times.forEach((value, index) => {
      if (Math.abs(value - wanted) < Math.abs((times[nearest] ?? 0) - wanted)) nearest = index;
    });
    setAt(nearest);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(last, shown + step)));
  };

  return (
    <figure className="rounded-lg border border-line bg-surface p-4" aria-labelledby={titleId}>
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 text-sm">
        <span id={titleId} className="font-medium">
          {title}
        </span>
        <span className="flex flex-wrap gap-x-3 tabular text-ink-2" aria-live={at === null ? 'off' : 'polite'}>
          {at !== null && time !== undefined && <time>{new Date(time).toLocaleTimeString()}</time>}
          {series.map((one) => (
            <span key={one.label} className="inline-flex items-center gap-1.5">
              {series.length > 1 && (
                <span aria-hidden className="size-2 rounded-full" style={{ background: one.color }} />
              )}
              {series.length > 1 ? `${one.label} ` : ''}
              <span className="text-ink">
                {shown >= 0 && one.values[shown] !== undefined ? format(one.values[shown]) : '–'}
              </span>
            </span>
          ))}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className="h-28 w-full touch-none rounded outline-offset-2"
        role="img"
        aria-label={`${title}, ${times.length} readings. Use the left and right arrow keys to read them.`}
        tabIndex={0}
        onPointerMove={onPointer}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onKeyDown={onKey}
      >
        {[0.25, 0.5, 0.75].map((part) => (
          <line
            key={part}
            x1={0}
            x2={width}
            y1={height * part}
            y2={height * part}
            className="stroke-line"
            strokeWidth={1}
            vectorEffect="non-scaling-stroke"
          />
        ))}
        {series.map((one) => (
          <g key={one.label}>
            {series.length === 1 && <path d={path(one.values, top, times, true)} fill={one.color} opacity={0.14} />}
            <path
              d={path(one.values, top, times, false)}
              fill="none"
              stroke={one.color}
              strokeWidth={1.75}
              vectorEffect="non-scaling-stroke"
              strokeLinejoin="round"
            />
          </g>
        ))}
        {at !== null && time !== undefined && (
          <line
            x1={(((time - (times[0] ?? 0)) / Math.max(1, (times.at(-1) ?? 1) - (times[0] ?? 0))) * width).toFixed(1)}
            x2={(((time - (times[0] ?? 0)) / Math.max(1, (times.at(-1) ?? 1) - (times[0] ?? 0))) * width).toFixed(1)}
            y1={0}
            y2={height}
            className="stroke-ink"
            strokeWidth={1}
            vectorEffect="non-scaling-stroke"
          />
        )}
      </svg>
    </figure>
  );
}
