// Whether the memory of a process goes on growing, or has come to rest: caches fill, one large plan leaves a heap
// behind, and what was needed once is kept for the next time. That is a plateau; a leak has none.

// Samples in the order of time, a number each. The lowest of each of `parts` parts counts, since what is taken for a
// moment is no growth. It goes on growing when every part is above the one before by more than `step`, and the last by
// not much less than the others.
export function keepsGrowing(samples, { parts = 4, step }) {
  if (samples.length < 2 * parts) return false;
  const lows = Array.from({ length: parts }, (_, part) =>
    Math.min(...samples.slice(Math.floor((part * samples.length) / parts), Math.floor(((part + 1) * samples.length) / parts))),
  );
  const rises = lows.slice(1).map((low, i) => low - lows[i]);
  const mean = (lows.at(-1) - lows[0]) / rises.length;
  return rises.every((rise) => rise > step) && rises.at(-1) > mean / 4;
}
