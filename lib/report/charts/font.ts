/** The font of pictures. This import makes Deno fetch its package, which contains no code. */
import metadata from "@fontsource/dejavu-sans/metadata.json" with { type: "json" };
import { libraryBytes } from "../../package_files.ts";

/** Its name in drawings. */
export const family: string = metadata.family;

/** Its font files, regular and bold. */
export function fontFiles(): Uint8Array<ArrayBuffer>[] {
  return ([400, 700] as const).map((weight) =>
    libraryBytes(`@fontsource/dejavu-sans/files/dejavu-sans-latin-${weight}-normal.woff2`)
  );
}
