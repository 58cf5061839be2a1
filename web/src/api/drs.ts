// What DRS thinks of a cluster, in more words than the API has: GET /drs of a center.
import { ServerFault, Unreachable, type MoRef } from './client';

/** What pages read of it. */
export interface DrsReport {
  score: number;
  /** 0: as evenly as can be. */
  imbalance: number;
  imbalanceAfter: number;
  movesMade: number;
  hosts: { id: string; name: string; takesMachines: boolean; cpuMhz: number; cpuDemandMhz: number; memoryBytes: number; memoryDemandBytes: number; vms: number }[];
  vms: { id: string; name: string; host?: string; automation: string; cpuDemandMhz: number; memoryDemandBytes: number; score?: number; moves: boolean; whyNot?: string }[];
  moves: { vm: string; from: string; to: string; explanation: string; automatic: boolean }[];
  brokenRules: { rule: string; vms: string[] }[];
  /** The newest first; names are ids here. */
  history: { time: string; name: string; from: string; to: string; reason: string }[];
}

/** `whyNot`: the id of a machine whose staying is to be explained. */
export async function drsReport(cluster: MoRef, whyNot?: string): Promise<DrsReport> {
  const question = new URLSearchParams({ cluster: cluster.value, ...(whyNot ? { whyNot } : {}) });
  let answer: Response;
  try {
    answer = await fetch(`/drs?${question}`, { credentials: 'same-origin' });
  } catch {
    throw new Unreachable('The server does not answer.');
  }
  if (answer.ok) return answer.json();
  throw new ServerFault('HttpFault', (await answer.text()).trim() || `The server answered with ${answer.status}.`);
}
