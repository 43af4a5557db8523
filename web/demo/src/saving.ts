/** Files for the user to keep. */

/** Has the browser save bytes under a name. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may read it later
}

/** Returns a file's name with another ending. */
export function renamed(name: string, ending: string): string {
  return `${name.replace(/\.[^./\\]*$/, "") || "picture"}.${ending}`;
}
