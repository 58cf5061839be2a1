// A wizard: its steps at the left, one at a time at the right, a review at the end. Any step that
// is complete up to there can be gone to; what is missing is said beside the button.
import { Alert, Modal, ModalBody, ModalFooter, ModalHeader } from '../ui/patternfly';
import { useState, type ReactNode } from 'react';
import { wordsFor } from '../api/client';
import { Button } from '../ui/Button';
import { useFirstField } from '../ui/dialogs';

export interface Step {
  id: string;
  title: string;
  content: ReactNode;
  /** What is missing or wrong. */
  reason?: string;
}

export function Wizard({ title, steps, finishLabel, finish, close }: {
  title: string; steps: Step[]; finishLabel: string; finish: () => Promise<void>; close: () => void;
}) {
  const [at, setAt] = useState(0);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const step = steps[at]!;
  useFirstField(at);
  const firstBad = steps.findIndex((each) => each.reason);
  const isLast = at === steps.length - 1;
  const end = async () => {
    setBusy(true);
    setError('');
    try {
      await finish();
      close();
    } catch (failure) {
      setError(wordsFor(failure));
      setBusy(false);
    }
  };
  return (
    <Modal isOpen variant="large" onClose={close} aria-label={title} className="wizard">
      <ModalHeader title={title} />
      <ModalBody tabIndex={-1}>
        <div className="wizard-body">
          <ol className="wizard-steps" aria-label="Steps">
            {steps.map((each, index) => (
              <li key={each.id}>
                <button type="button" aria-current={index === at ? 'step' : undefined}
                  disabled={index > at && firstBad >= 0 && firstBad < index} onClick={() => setAt(index)}>
                  <span className="wizard-number">{index + 1}</span>
                  {each.title}
                </button>
              </li>
            ))}
          </ol>
          <div className="wizard-content" key={step.id}>
            <h2>{step.title}</h2>
            <form className="form" onSubmit={(event) => {
              event.preventDefault();
              if (!step.reason && !isLast) setAt(at + 1);
            }}>
              {step.content}
              <button type="submit" hidden />
            </form>
            {error && <Alert isInline variant="danger" title={error} aria-live="assertive" />}
          </div>
        </div>
      </ModalBody>
      <ModalFooter>
        {at > 0 && <Button onClick={() => setAt(at - 1)}>Back</Button>}
        {isLast ? (
          <Button kind="primary" busy={busy} reason={steps.find((each) => each.reason)?.reason} onClick={() => void end()}>{finishLabel}</Button>
        ) : (
          <Button kind="primary" reason={step.reason} onClick={() => !step.reason && setAt(at + 1)}>Next</Button>
        )}
        <Button kind="link" onClick={close}>Cancel</Button>
        {step.reason && <span className="wizard-reason">{step.reason}</span>}
      </ModalFooter>
    </Modal>
  );
}

export function Review({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="review">
      {items.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}
