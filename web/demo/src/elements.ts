/** The elements of the page, by their ids. */

/** Returns an element. Throws Error where the page has no such element of that class. */
export function element<T extends HTMLElement>(id: string, Kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof Kind)) {
    throw new Error(`the page has no ${Kind.name} ${id}`);
  }
  return found;
}

export const part = (id: string): HTMLElement => element(id, HTMLElement);
export const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);
export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
