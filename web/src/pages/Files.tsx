// The files of a datastore: walk, drop files to upload, take them away.
import { Alert } from '../ui/patternfly';
import { useCallback, useRef, useState } from 'react';
import { Unreachable, wordsFor } from '../api/client';
import { fileAddress, listFiles, makeFolder, removeFile, upload } from '../api/files';
import { lacking } from '../actions/registry';
import { bytes, duration, when } from '../format/units';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf } from '../store/inventory';
import { datacenterOf } from '../store/kinds';
import { go, link, useRoute } from '../store/route';
import { session } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog, openDialog } from '../ui/dialogs';
import { TextField } from '../ui/fields';
import { Icon, type IconName } from '../ui/Icon';
import { Empty } from '../ui/Panel';
import type { TabProps } from './tabs';

interface Transfer {
  key: number;
  name: string;
  size: number;
  sent: number;
  began: number;
  state: 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';
  problem?: string;
  cancel: () => void;
  again: () => void;
}

let count = 0;
const MOST_TRIES = 5;
const RETRY_MS = 3000;

export default function Files({ entity }: TabProps) {
  const route = useRoute();
  const folder = route.query.get('path') ?? '';
  const found = useLoaded(() => listFiles(inventory.get(entity.id) ?? entity, folder), [entity.id, folder]);
  const [transfers, setTransfers] = useState<Transfer[]>([]);
  const [isOver, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const mayWrite = lacking(entity, 'Datastore.FileManagement');
  const at = (name: string) => (folder ? `${folder}/${name}` : name);
  const open = (path: string) => go(link(route.path, { path }));
  const { reload } = found;

  const send = useCallback((files: File[]) => {
    for (const file of files) {
      const key = ++count;
      const change = (next: Partial<Transfer>) => setTransfers((all) => all.map((each) => (each.key === key ? { ...each, ...next } : each)));
      const begin = (broken = 0) => {
        const aborter = new AbortController();
        let sent = 0;
        change({ state: 'running', sent, began: performance.now(), problem: undefined, cancel: () => aborter.abort() });
        upload(entity, folder ? `${folder}/${file.name}` : file.name, file, broken > 0, (now) => change({ sent: (sent = now) }), aborter.signal).then(
          () => {
            change({ state: 'done', sent: file.size });
            reload();
          },
          (error) => {
            if (error instanceof DOMException) return change({ state: 'cancelled' });
            if (!(error instanceof Unreachable) || broken >= MOST_TRIES) return change({ state: 'failed', problem: wordsFor(error) });
            // The server keeps what has arrived for some minutes.
            const timer = setTimeout(() => begin(broken + 1), RETRY_MS * (broken + 1));
            change({
              state: 'waiting', problem: `${wordsFor(error)} ${bytes(sent)} were sent; it goes on by itself.`,
              cancel: () => {
                clearTimeout(timer);
                change({ state: 'cancelled' });
              },
            });
          },
        );
      };
      setTransfers((all) => [...all, { key, name: file.name, size: file.size, sent: 0, began: performance.now(), state: 'running', cancel: () => {}, again: () => begin() }]);
      begin();
    }
  }, [entity, folder, reload]);

  const crumbs = folder.split('/').filter(Boolean);
  return (
    <div className={`files${isOver ? ' over' : ''}`}
      onDragOver={(event) => {
        if (mayWrite || !event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => !event.currentTarget.contains(event.relatedTarget as Node) && setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (!mayWrite) send([...event.dataTransfer.files]);
      }}>
      <div className="list-bar" role="toolbar" aria-label="Files">
        <nav className="path" aria-label="Folder">
          <button type="button" className="linkish" onClick={() => open('')}>[{nameOf(entity)}]</button>
          {crumbs.map((name, index) => (
            <span key={index}> / <button type="button" className="linkish" onClick={() => open(crumbs.slice(0, index + 1).join('/'))}>{name}</button></span>
          ))}
        </nav>
        <span className="spacer" />
        <input ref={picker} type="file" multiple hidden onChange={(event) => {
          send([...(event.target.files ?? [])]);
          event.target.value = '';
        }} />
        <Button kind="primary" icon="upload" reason={mayWrite} onClick={() => !mayWrite && picker.current?.click()}>Upload</Button>
        <Button icon="folder" reason={mayWrite} onClick={() => !mayWrite && openDialog((close) => <NewFolder close={close} make={async (name) => {
          await makeFolder(entity, at(name), session.isCenter ? datacenterOf(entity)?.ref : undefined);
          reload();
        }} />)}>New folder</Button>
        <Button icon="reset" label="Look again" onClick={reload} />
      </div>
      {transfers.length > 0 && (
        <ul className="transfers" aria-label="Uploads">
          {transfers.map((each) => <TransferRow key={each.key} transfer={each} drop={() => setTransfers((all) => all.filter((one) => one.key !== each.key))} />)}
        </ul>
      )}
      {Boolean(found.error) && <Alert isInline variant="danger" title={wordsFor(found.error)} />}
      <table className="table">
        <thead><tr><th>Name</th><th>Kind</th><th className="right">Size</th><th>Changed</th><th /></tr></thead>
        <tbody>
          {(found.value ?? []).map((file) => (
            <tr key={file.name}>
              <td>
                {file.isFolder ? (
                  <button type="button" className="linkish name" onClick={() => open(at(file.name))}><Icon name="folder" />{file.name}</button>
                ) : <span className="name"><Icon name={file.kind === 'ISO image' ? 'disc' : ('file' as IconName)} />{file.name}</span>}
              </td>
              <td className="dim">{file.kind}</td>
              <td className="right">{file.isFolder ? '' : bytes(file.size)}</td>
              <td className="nowrap">{when(file.modified)}</td>
              <td className="right nowrap">
                {!file.isFolder && <a className="iconlink" href={fileAddress(entity, at(file.name))} download={file.name} aria-label={`Download ${file.name}`} title="Download"><Icon name="download" /></a>}
                <Button kind="plain" icon="trash" label={`Delete ${file.name}`} reason={mayWrite} onClick={() => !mayWrite && openDialog((close) => (
                  <FormDialog title={`Delete ${file.name}`} submitLabel="Delete" danger close={close} submit={async () => {
                    await removeFile(entity, at(file.name), session.isCenter ? datacenterOf(entity)?.ref : undefined);
                    reload();
                  }}><p>{file.isFolder ? 'The folder and everything in it are deleted.' : 'The file is deleted.'} This cannot be undone.</p></FormDialog>
                ))} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {!found.loading && found.value?.length === 0 && <Empty title="This folder is empty"><p>Drop files here to upload them.</p></Empty>}
      {isOver && <div className="drop-here">Drop to upload to [{nameOf(entity)}] {folder}</div>}
    </div>
  );
}

function TransferRow({ transfer, drop }: { transfer: Transfer; drop: () => void }) {
  const share = transfer.size > 0 ? transfer.sent / transfer.size : transfer.state === 'done' ? 1 : 0;
  const seconds = (performance.now() - transfer.began) / 1000;
  const left = transfer.sent > 0 ? (seconds * (transfer.size - transfer.sent)) / transfer.sent : undefined;
  const text = { running: `${bytes(transfer.sent)} of ${bytes(transfer.size)}${left !== undefined && seconds > 1 ? `, ${duration(left)} left` : ''}`, done: 'Uploaded', waiting: transfer.problem, failed: transfer.problem ?? 'Failed', cancelled: 'Cancelled' }[transfer.state];
  return (
    <li className={`transfer transfer-${transfer.state}`}>
      <span className="transfer-name">{transfer.name}</span>
      <progress value={share} max={1} aria-label={`Upload of ${transfer.name}`} />
      <span role="status">{text}</span>
      {(transfer.state === 'running' || transfer.state === 'waiting') && <Button kind="plain" icon="close" label="Cancel this upload" onClick={transfer.cancel} />}
      {(transfer.state === 'failed' || transfer.state === 'cancelled') && <Button kind="link" onClick={transfer.again}>Try again</Button>}
      {transfer.state !== 'running' && transfer.state !== 'waiting' && <Button kind="plain" icon="close" label="Dismiss" onClick={drop} />}
    </li>
  );
}

function NewFolder({ make, close }: { make: (name: string) => Promise<void>; close: () => void }) {
  const [name, setName] = useState('');
  return (
    <FormDialog title="New folder" submitLabel="Create" close={close} submit={() => make(name.trim())} reason={!name.trim() ? 'It needs a name.' : name.includes('/') ? 'A name has no slash.' : undefined}>
      <TextField label="Name" value={name} onChange={setName} first />
    </FormDialog>
  );
}
