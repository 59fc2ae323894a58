/**
 * Milliseconds since the call: of the clock or of the processor, whichever is less. Other programs make the clock run on, and
 * threads of the engine (its garbage collector) count twice on the processor.
 */
export function stopwatch() {
  const [start, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.min(performance.now() - start, (user + system) / 1000);
  };
}
