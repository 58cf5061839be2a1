// One dialog at a time, opened from anywhere: openDialog((close) => <MyDialog close={close} />).
import { Alert, Modal, ModalBody, ModalFooter, ModalHeader } from './patternfly';
import { useEffect, useState, useSyncExternalStore, type FormEvent, type ReactNode } from 'react';
import { wordsFor } from '../api/client';
import { Button } from './Button';

type Make = (close: () => void) => ReactNode;

let stack: { key: number; make: Make }[] = [];
let count = 0;
const listeners = new Set<() => void>();

function changed() {
  for (const listener of [...listeners]) listener();
}

export function openDialog(make: Make) {
  stack = [...stack, { key: ++count, make }];
  changed();
}

export function closeDialogs() {
  stack = [];
  changed();
}

export function DialogHost() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => stack,
  );
  return shown.map(({ key, make }) => (
    <div key={key}>
      {make(() => {
        stack = stack.filter((each) => each.key !== key);
        changed();
      })}
    </div>
  ));
}

/** The frame of a dialog: what is asked, what goes wrong in plain words, and what to do. */
export function FormDialog({ title, description, submit, submitLabel, reason, danger, close, children, wide }: {
  title: string;
  description?: ReactNode;
  /** Closes the dialog when it returns, unless with 'stay'; what it throws is shown. */
  submit: () => Promise<void | 'stay'>;
  submitLabel: string;
  /** Why it can't be done yet. */
  reason?: string;
  danger?: boolean;
  close: () => void;
  children?: ReactNode;
  wide?: boolean;
}) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  useFirstField();
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    if (reason || busy) return;
    setBusy(true);
    setError('');
    try {
      if ((await submit()) === 'stay') setBusy(false);
      else close();
    } catch (failure) {
      setError(wordsFor(failure));
      setBusy(false);
    }
  };
  return (
    <Modal isOpen variant={wide ? 'large' : 'small'} onClose={close} aria-label={title}>
      <ModalHeader title={title} description={description} />
      <ModalBody>
        <form id="dialog-form" className="form" onSubmit={onSubmit} noValidate>
          {children}
          {error && <Alert isInline variant="danger" title={error} aria-live="assertive" />}
        </form>
      </ModalBody>
      <ModalFooter>
        <Button kind={danger ? 'danger' : 'primary'} type="submit" form="dialog-form" reason={reason} busy={busy}>
          {submitLabel}
        </Button>
        <Button onClick={close}>Cancel</Button>
      </ModalFooter>
    </Modal>
  );
}

/** Puts the cursor where typing begins, once the dialog has taken the focus. */
export function useFirstField(step?: unknown) {
  useEffect(() => {
    const timer = setTimeout(() => document.querySelector<HTMLElement>('.pf-v6-c-modal-box [data-first]')?.focus(), 30);
    return () => clearTimeout(timer);
  }, [step]);
}

/** Tells what went wrong where no form is open. */
export function tell(title: string, error: unknown) {
  openDialog((close) => (
    <Modal isOpen variant="small" onClose={close} aria-label={title}>
      <ModalHeader title={title} titleIconVariant="danger" />
      <ModalBody>{wordsFor(error)}</ModalBody>
      <ModalFooter>
        <Button kind="primary" onClick={close}>Close</Button>
      </ModalFooter>
    </Modal>
  ));
}
