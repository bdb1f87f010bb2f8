'use client';

import type { CreateInstance } from '@stapes/contract/instance';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTRPC } from '../../lib/trpc.ts';

const restMs = 300;

/** The value once it has been the same for a moment. */
function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

/** Asks the server what the instance would be, whenever the form rests. The same checks run as for the real thing. */
export function usePreview(request: CreateInstance, enabled: boolean) {
  const trpc = useTRPC();
  const text = enabled ? JSON.stringify(request) : '';
  const rested = useRested(text);
  const query = useQuery(
    trpc.instances.preview.queryOptions(
      { request: JSON.parse(rested || 'null') as CreateInstance },
      { enabled: rested !== '', retry: false, placeholderData: keepPreviousData, staleTime: 0, gcTime: 60_000 },
    ),
  );
  return { query, settled: rested === text && !query.isFetching };
}
