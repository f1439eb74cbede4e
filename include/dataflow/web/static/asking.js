// What the API answers, asked again every few seconds while the page is looked at.

import { call } from "./shared.js";

const { useCallback, useEffect, useState } = globalThis.React;

const REFRESH_MS = 10_000;

/** The answer at a path, once there is one, and the `Refused` of the last try, where it failed. */
export function useAnswer(path) {
  const [{ answer, error, of }, setFound] = useState({ answer: null, error: null, of: path });
  const refresh = useCallback(() => call(path).then(
    (value) => setFound({ answer: value, error: null, of: path }),
    (refused) => setFound((before) => ({ answer: before.of === path ? before.answer : null, error: refused, of: path }))),
  [path]);
  useEffect(() => {
    let timer;
    const again = async () => {
      const began = Date.now();
      if (!document.hidden) await refresh();
      // A server that takes long is asked less often.
      if (timer === null) return;
      clearTimeout(timer);
      timer = setTimeout(again, Math.max(REFRESH_MS, 10 * (Date.now() - began)));
    };
    again();
    document.addEventListener("visibilitychange", again);
    return () => { clearTimeout(timer); timer = null; document.removeEventListener("visibilitychange", again); };
  }, [refresh]);
  return of === path ? { answer, error, refresh } : { answer: null, error: null, refresh };
}
