import { LARGEST_IMAGE_BYTES, type ImageType } from "@downbeat/contract/artifact-limits";
import { DownbeatError } from "@downbeat/contract/errors";
import type { ArtifactContent } from "@downbeat/contract";
import { invalidArtifact, shownValue } from "./show.ts";

// How files of a type begin, in hexadecimal.
const SIGNATURES: readonly { readonly mediaType: ImageType; readonly begins: RegExp }[] = [
  { mediaType: "image/png", begins: /^89504e470d0a1a0a/ },
  { mediaType: "image/jpeg", begins: /^ffd8ff/ },
  { mediaType: "image/gif", begins: /^47494638(37|39)61/ },
  { mediaType: "image/webp", begins: /^52494646.{8}57454250/ },
];

/**
 * An image by its bytes, which say themselves what type they are.
 *
 * @param call the call as it stands in code, for messages
 * @throws DownbeatError `artifact_invalid` for anything but a PNG, JPEG, GIF or WebP image, `artifact_too_large`
 */
export function imageContent(
  call: string,
  bytes: Uint8Array,
): Extract<ArtifactContent, { type: "image" }> {
  if (!(bytes instanceof Uint8Array))
    throw invalidArtifact(`${call} was given ${shownValue(bytes)}; it takes the bytes of an image`);
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = image.subarray(0, 16);
  const signature = head.toString("hex");
  const mediaType = SIGNATURES.find(({ begins }) => begins.test(signature))?.mediaType;
  if (mediaType === undefined) {
    throw invalidArtifact(
      `${call} was given ${bytes.byteLength} bytes that begin with ${shownValue(head.toString("latin1"))}; it takes a PNG, JPEG, GIF or WebP image`,
    );
  }
  if (bytes.byteLength > LARGEST_IMAGE_BYTES) {
    throw new DownbeatError("artifact_too_large", {
      message: `${call} was given an image of ${bytes.byteLength} bytes; ${LARGEST_IMAGE_BYTES} are allowed`,
    });
  }
  return { type: "image", mediaType, data: image.toString("base64") };
}
