// Files of datastores: searched by the datastore's browser, carried by /folder.
import { call, ServerFault, Unreachable, type Data, type MoRef } from './client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { session } from '../store/session';
import { tasks } from '../store/tasks';

export interface FileRow {
  name: string;
  isFolder: boolean;
  size: number | undefined;
  modified: string | undefined;
  kind: string;
}

const DETAILS = { _typeName: 'FileQueryFlags', fileType: true, fileSize: true, modification: true, fileOwner: false };
const QUERIES = ['FolderFileQuery', 'IsoImageFileQuery', 'VmConfigFileQuery', 'VmDiskFileQuery', 'VmLogFileQuery', 'VmNvramFileQuery', 'FileQuery'];

const KIND_WORDS: Record<string, string> = {
  FolderFileInfo: 'Folder', IsoImageFileInfo: 'ISO image', VmConfigFileInfo: 'Machine', VmDiskFileInfo: 'Disk', VmLogFileInfo: 'Log', VmNvramFileInfo: 'Firmware settings',
};

async function browser(store: Entity): Promise<MoRef> {
  const known = store.props.browser;
  if (known) return known;
  throw new Error(`The files of ${nameOf(store)} can't be listed.`);
}

export async function listFiles(store: Entity, folder: string): Promise<FileRow[]> {
  const task = await call<MoRef>(await browser(store), 'SearchDatastore_Task', {
    datastorePath: `[${nameOf(store)}] ${folder}`,
    searchSpec: {
      _typeName: 'HostDatastoreBrowserSearchSpec', details: DETAILS, sortFoldersFirst: true,
      query: QUERIES.map((each) => ({ _typeName: each })),
    },
  });
  const result = await tasks.finish(task);
  return (result?.file ?? []).map((file: Data) => ({
    name: file.path, isFolder: file._typeName === 'FolderFileInfo', size: file.fileSize, modified: file.modification,
    kind: KIND_WORDS[file._typeName] ?? 'File',
  }));
}

/** Full paths ("[store] dir/x.iso") of all files that match, in any directory. */
export async function searchFiles(store: Entity, pattern: string): Promise<string[]> {
  const task = await call<MoRef>(await browser(store), 'SearchDatastoreSubFolders_Task', {
    datastorePath: `[${nameOf(store)}]`,
    searchSpec: { _typeName: 'HostDatastoreBrowserSearchSpec', matchPattern: [pattern], searchCaseInsensitive: true },
  });
  const results: Data[] = (await tasks.finish(task)) ?? [];
  return results.flatMap((each) =>
    (each.file ?? []).map((file: Data) => (/[\]/]$/.test(each.folderPath) ? `${each.folderPath}${each.folderPath.endsWith(']') ? ' ' : ''}${file.path}` : `${each.folderPath}/${file.path}`)),
  );
}

function datacenterPath(store: Entity): string {
  const names: string[] = [];
  let at = inventory.of(store.props.parent);
  let inDatacenter = false;
  for (let depth = 0; at && depth < 50; depth++) {
    if (at.type === 'Datacenter') inDatacenter = true;
    if (inDatacenter && at.id !== session.content.rootFolder.value) names.unshift(String(at.props.name));
    at = inventory.of(at.props.parent);
  }
  return names.join('/');
}

export function fileAddress(store: Entity, path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return `/folder/${encoded}?${new URLSearchParams({ dcPath: datacenterPath(store), dsName: nameOf(store) })}`;
}

/** How much of the file the server has from an upload that broke. */
async function arrived(address: string, size: number, signal: AbortSignal): Promise<number> {
  let answer: Response;
  try {
    answer = await fetch(address, { method: 'PUT', headers: { 'Content-Range': `bytes */${size}` }, signal });
  } catch (error) {
    if (error instanceof DOMException) throw error;
    throw new Unreachable('The server does not answer.');
  }
  return Number(/^bytes=0-(\d+)$/.exec(answer.headers.get('Range') ?? '')?.[1] ?? -1) + 1;
}

/** Sends a file; `again` goes on where an upload of it broke. */
export async function upload(store: Entity, path: string, file: Blob, again: boolean, progress: (sent: number) => void, signal: AbortSignal): Promise<void> {
  const address = fileAddress(store, path);
  const from = again && file.size > 0 ? await arrived(address, file.size, signal) : 0;
  progress(from);
  // The request has to be XMLHttpRequest's: fetch tells no progress of uploads.
  await new Promise<void>((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('PUT', address);
    if (file.size > 0) request.setRequestHeader('Content-Range', `bytes ${from}-${file.size - 1}/${file.size}`);
    request.upload.onprogress = (event) => progress(from + event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) done();
      else failed(new ServerFault('HttpFault', request.responseText.trim() || `The server answered with ${request.status}.`));
    };
    request.onerror = () => failed(new Unreachable(navigator.onLine ? 'The connection broke.' : 'This computer is not connected.'));
    request.onabort = () => failed(new DOMException('cancelled', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file.slice(from));
  });
}

export async function makeFolder(store: Entity, path: string, datacenter: MoRef | undefined) {
  await call(session.content.fileManager, 'MakeDirectory', { name: `[${nameOf(store)}] ${path}`, datacenter, createParentDirectories: false });
}

export async function removeFile(store: Entity, path: string, datacenter: MoRef | undefined) {
  const task = await call<MoRef>(session.content.fileManager, 'DeleteDatastoreFile_Task', { name: `[${nameOf(store)}] ${path}`, datacenter });
  await tasks.finish(task);
}
