/** Slurm's daemons for tests, where they are installed. */
import { existsSync } from "node:fs";

/** Whether Debian's slurm-wlm and munge are here. */
export function slurmIsInstalled(): boolean {
  return ["munged", "slurmctld", "slurmd"].every((name) => existsSync(`/usr/sbin/${name}`));
}
