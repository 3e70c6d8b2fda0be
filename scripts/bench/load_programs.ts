export interface ProgramRow {
  name: string;
}
export async function measurePrograms(_: unknown): Promise<ProgramRow[]> {
  return [];
}
export function programLines(_: ProgramRow[]): string[] {
  return [];
}
