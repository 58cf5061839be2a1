// xterm.js writes its rules into style elements, which the page's policy forbids with good reason.
// While `work` runs, what it takes for a style element is a sheet of the document instead, which
// no markup can make. (Colours of 24 bits, which it sets as attributes, stay the text's own.)
export function withStyleSheets(work: () => void) {
  const create = document.createElement.bind(document) as (tag: string, options?: ElementCreationOptions) => HTMLElement;
  const replaced = (tag: string, options?: ElementCreationOptions) => (tag === 'style' ? sheetElement(create('span')) : create(tag, options));
  document.createElement = replaced as typeof document.createElement;
  try {
    work();
  } finally {
    // The document's own, of its prototype, is seen again.
    delete (document as { createElement?: unknown }).createElement;
  }
}

function sheetElement(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, 'textContent', { set: (rules: string) => sheet.replaceSync(rules) });
  element.hidden = true;
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
