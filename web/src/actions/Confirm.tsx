import type { Entity } from '../store/inventory';
import { namesOf } from '../ui/DataGrid';
import { FormDialog } from '../ui/dialogs';

/** Names what will be touched before it is. */
export function Confirm({ title, text, label, entities, run, close }: {
  title: string; text: string; label: string; entities: Entity[]; run: () => Promise<unknown>; close: () => void;
}) {
  return (
    <FormDialog title={`${title}: ${namesOf(entities)}`} submitLabel={label} danger close={close} submit={async () => void (await run())}>
      <p>{text}</p>
    </FormDialog>
  );
}
