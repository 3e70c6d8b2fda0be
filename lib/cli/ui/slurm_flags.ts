/** Flags for the request to Slurm. */
import { text } from "./flags.ts";

/** For each task; the texts are passed to Slurm unchanged. */
export const slurmFlags = {
  "partition": text("NAME", "Slurm: the partition"),
  "time": text("LIMIT", "Slurm: limit of each task, such as 30:00"),
  "memory": text("SIZE", "Slurm: memory of each task, such as 4G"),
  "gres": text("LIST", "Slurm: generic resources of each task, such as gpu:1"),
  "account": text("NAME", "Slurm: the account that pays"),
};
