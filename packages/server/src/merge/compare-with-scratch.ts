import { type CompareImagesOptions, compareImages, type ImageDifference } from "@tributary/core";
import { type OwnScratch, openScratch } from "./open-scratch.js";

/** `compareImages`, with scratch databases of its own. */
export function compareWithScratch(images: Omit<CompareImagesOptions, "scratch">): ImageDifference {
  const scratches: OwnScratch[] = [];
  const scratch = (): OwnScratch => {
    const opened = openScratch();
    scratches.push(opened);
    return opened;
  };
  try {
    return compareImages({ ...images, scratch });
  } finally {
    for (const opened of scratches) opened.close();
  }
}
