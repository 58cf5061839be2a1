// Labelled inputs. The label is bound to its input, the hint and the complaint are read with it.
import { useId, type ReactNode } from 'react';

interface Common {
  label: string;
  hint?: ReactNode;
  error?: string;
  first?: boolean;
}

export function Field({ label, hint, error, children, id }: Common & { id: string; children: ReactNode }) {
  return (
    <div className={`field${error ? ' field-bad' : ''}`}>
      <label htmlFor={id}>{label}</label>
      <div className="field-input">
        {children}
        {error ? <small className="field-error" id={`${id}-note`}>{error}</small> : hint ? <small id={`${id}-note`}>{hint}</small> : null}
      </div>
    </div>
  );
}

export function TextField({ value, onChange, type = 'text', placeholder, autoComplete = 'off', ...common }: Common & {
  value: string;
  onChange: (value: string) => void;
  type?: 'text' | 'password';
  placeholder?: string;
  autoComplete?: string;
}) {
  const id = useId();
  return (
    <Field id={id} {...common}>
      <input id={id} className="input" type={type} value={value} placeholder={placeholder} autoComplete={autoComplete}
        spellCheck={false} aria-invalid={common.error ? true : undefined} aria-describedby={`${id}-note`}
        data-first={common.first ? '' : undefined} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}

export function NumberField({ value, onChange, min, max, step = 1, unit, ...common }: Common & {
  value: number;
  onChange: (value: number) => void;
  min: number;
  max: number;
  step?: number;
  unit?: string;
}) {
  const id = useId();
  return (
    <Field id={id} {...common}>
      <span className="with-unit">
        <input id={id} className="input input-number" type="number" value={Number.isNaN(value) ? '' : value} min={min} max={max} step={step}
          aria-invalid={common.error ? true : undefined} aria-describedby={`${id}-note`} data-first={common.first ? '' : undefined}
          onChange={(event) => onChange(event.target.valueAsNumber)} />
        {unit && <span className="unit">{unit}</span>}
      </span>
    </Field>
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function SelectField({ value, onChange, choices, ...common }: Common & {
  value: string;
  onChange: (value: string) => void;
  choices: Choice[];
}) {
  const id = useId();
  return (
    <Field id={id} {...common}>
      <select id={id} className="input" value={value} aria-describedby={`${id}-note`} data-first={common.first ? '' : undefined}
        onChange={(event) => onChange(event.target.value)}>
        {choices.map((each) => (
          <option key={each.value} value={each.value}>{each.label}</option>
        ))}
      </select>
    </Field>
  );
}

export function CheckField({ value, onChange, label, hint }: Common & { value: boolean; onChange: (value: boolean) => void }) {
  const id = useId();
  return (
    <div className="field field-check">
      <span />
      <div className="field-input">
        <label htmlFor={id}>
          <input id={id} type="checkbox" checked={value} onChange={(event) => onChange(event.target.checked)} /> {label}
        </label>
        {hint && <small>{hint}</small>}
      </div>
    </div>
  );
}

/** A choice between a few, each with what it means; one that can't be made says why. */
export function RadioField({ label, value, onChange, choices }: {
  label: string; value: string; onChange: (value: string) => void; choices: (Choice & { hint?: string; reason?: string })[];
}) {
  const id = useId();
  return (
    <div className="field" role="radiogroup" aria-labelledby={id}>
      <span id={id} className="field-label">{label}</span>
      <div className="field-input radios">
        {choices.map((each) => (
          <label key={each.value} className={each.reason ? 'off' : undefined}>
            <input type="radio" name={id} value={each.value} aria-label={each.label} aria-describedby={`${id}-${each.value}`} checked={value === each.value} disabled={Boolean(each.reason)} onChange={() => onChange(each.value)} />
            <span>{each.label}<small id={`${id}-${each.value}`}>{each.reason ?? each.hint}</small></span>
          </label>
        ))}
      </div>
    </div>
  );
}
