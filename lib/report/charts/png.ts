/** Charts as pictures, for documents that cannot contain SVG. */
import { messageOf } from "../../errors.ts";
import { libraryBytes } from "../../package_files.ts";
import { STYLE } from "../style.ts";

const PAPER = "#ffffff";
/** Pixels per pixel of the drawing. */
const SCALE = 2;

type Rasteriser = (svg: string) => Uint8Array;

let loading: Promise<Rasteriser> | null = null;

/** A chart's SVG with the light theme's colours instead of CSS variables. */
export function withLightColours(svg: string): string {
  const colours = new Map(
    [...STYLE.slice(0, STYLE.indexOf("@media")).matchAll(/--(\w+): (#[0-9a-f]+)/g)]
      .map(([, name, colour]) => [name, colour]),
  );
  return svg.replace(/var\(--(\w+)\)/g, (_, name) => colours.get(name) ?? "#000000");
}

/** The picture of an SVG, or a message if this installation cannot make one. */
export async function pngOf(svg: string): Promise<Uint8Array | string> {
  try {
    loading ??= load();
    return (await loading)(withLightColours(svg));
  } catch (error) {
    return `no PNG: ${messageOf(error)}`;
  }
}

/** Loads resvg with our own font, so that the host's fonts do not matter. */
async function load(): Promise<Rasteriser> {
  const { initWasm, Resvg } = await import("@resvg/resvg-wasm");
  const { family, fontFiles } = await import("./font.ts");
  await initWasm(libraryBytes("@resvg/resvg-wasm/index_bg.wasm"));
  const fontBuffers = fontFiles();
  return (svg) => {
    const picture = new Resvg(svg, {
      background: PAPER,
      fitTo: { mode: "zoom", value: SCALE },
      font: { fontBuffers, defaultFontFamily: family, sansSerifFamily: family },
    });
    try {
      const image = picture.render();
      const bytes = image.asPng();
      image.free();
      return bytes;
    } finally {
      picture.free();
    }
  };
}
