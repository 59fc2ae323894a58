/** Describes the backend and the machine. */

import os from 'node:os';
import { activeBackend, memoryLimit } from '../backend/index.js';
import { backendInfo } from '../index.js';

/** The backend, the runtime and the machine, for every command that prints figures. */
export function describeMachine() {
  const { version, name, isa, threads, fallbackReason } = backendInfo();
  const cpus = os.cpus();
  return {
    version,
    backend: name,
    isa,
    tuning: activeBackend().tuning,
    threads,
    fallbackReason,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cpus: cpus.length,
    memoryLimitBytes: memoryLimit(),
  };
}

/** The same in one line, for the head of a table. */
export function machineLine(): string {
  const { version, backend, isa, threads, node, platform, cpu, cpus } = describeMachine();
  const ways = `${backend}, ${isa}, ${threads} thread${threads === 1 ? '' : 's'}`;
  return `tokenbed ${version} (${ways}), Node ${node} on ${platform}, ${cpu}, ${cpus} logical`;
}
