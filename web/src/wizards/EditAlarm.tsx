// An alarm's definition: a new one on an object, or another shape of one.
import { Alert } from '../ui/patternfly';
import { useState } from 'react';
import { call, get, type Data } from '../api/client';
import { sentence } from '../format/units';
import { useLoaded } from '../store/hooks';
import { type Entity } from '../store/inventory';
import { titleOf } from '../store/kinds';
import { manager } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog } from '../ui/dialogs';
import { CheckField, NumberField, RadioField, SelectField, TextField } from '../ui/fields';
import { definitionIsLacking, definitionOf, expressionOf, kindsFor, newTrigger, specOf, stateWords, subjectOf, SUBJECTS, type Definition, type EventTrigger, type FigureTrigger, type StateTrigger, type Trigger } from './alarms';

const KIND_WORDS = { figure: 'Figure', state: 'State', event: 'Event' };

/** Where an object is itself of a type that can be watched, its alarms are about it. */
const typesOn = (entity: Entity) => (['VirtualMachine', 'Datastore'].includes(entity.type) ? SUBJECTS.filter((each) => each.type === entity.type) : SUBJECTS);

export function EditAlarm({ entity, before, close, done }: { entity: Entity; before?: Data; close: () => void; done: () => void }) {
  const types = typesOn(entity);
  const [name, setName] = useState<string>(before?.name ?? '');
  const [description, setDescription] = useState<string>(before?.description ?? '');
  const [enabled, setEnabled] = useState<boolean>(before?.enabled ?? true);
  const known: Definition | undefined = before && definitionOf(before.expression);
  const [definition, setDefinition] = useState<Definition>(known ?? { type: types[0]!.type, combine: 'any', triggers: [newTrigger(types[0]!.type, kindsFor(types[0]!.type)[0]!)] });
  const isKept = Boolean(before) && !known;
  const { type, triggers } = definition;
  const change = (index: number, trigger: Trigger | undefined) => setDefinition({ ...definition, triggers: triggers.flatMap((each, at) => (at !== index ? [each] : trigger ? [trigger] : [])) });
  const save = async () => {
    const changes = { name: name.trim(), description, enabled, ...(isKept ? {} : { expression: expressionOf(definition) }) };
    if (before) await call(before.alarm, 'ReconfigureAlarm', { spec: specOf(before, changes) });
    else await call(manager('alarmManager')!, 'CreateAlarm', { entity: entity.ref, spec: { _typeName: 'AlarmSpec', ...changes, setting: { _typeName: 'AlarmSetting', toleranceRange: 0, reportingFrequency: 0 } } });
    done();
  };
  return (
    <FormDialog title={before ? `Alarm ${before.name}` : `New alarm on ${titleOf(entity)}`} description={before ? undefined : 'It watches this object and everything below it.'}
      submitLabel={before ? 'Save' : 'Create'} close={close} submit={save} wide reason={name.trim() ? (isKept ? undefined : definitionIsLacking(definition)) : 'It needs a name.'}>
      <TextField label="Name" value={name} onChange={setName} first />
      <TextField label="Description" value={description} onChange={setDescription} hint="What to do when it is raised." />
      <CheckField label="The alarm is on" value={enabled} onChange={setEnabled} />
      {isKept ? <Alert isInline variant="info" title="What triggers it was made by another client, of more parts than can be shown here: it stays as it is." /> : (
        <>
          <SelectField label="Watches" value={type} onChange={(next) => setDefinition({ ...definition, type: next, triggers: [newTrigger(next, kindsFor(next)[0]!)] })} choices={types.map((each) => ({ value: each.type, label: each.label }))} />
          {triggers.length > 1 && (
            <RadioField label="It is raised by" value={definition.combine} onChange={(combine) => setDefinition({ ...definition, combine: combine as 'any' | 'all' })}
              choices={[{ value: 'any', label: 'Any of these', hint: 'The worst counts.' }, { value: 'all', label: 'All of these together', hint: 'The best counts.' }]} />
          )}
          {triggers.map((each, index) => (
            <fieldset className="trigger" key={`${index} ${each.kind}`}>
              <legend>{KIND_WORDS[each.kind]}</legend>
              {each.kind === 'figure' && <Figure type={type} trigger={each} change={(next) => change(index, next)} />}
              {each.kind === 'state' && <State type={type} trigger={each} change={(next) => change(index, next)} />}
              {each.kind === 'event' && <Event trigger={each} change={(next) => change(index, next)} />}
              <Button kind="plain" icon="trash" label={`Remove trigger ${index + 1}`} onClick={() => change(index, undefined)} />
            </fieldset>
          ))}
          <div className="add-devices">
            {kindsFor(type).map((kind) => <Button key={kind} icon="plus" onClick={() => setDefinition({ ...definition, triggers: [...triggers, newTrigger(type, kind)] })}>{`Add ${KIND_WORDS[kind].toLowerCase()}`}</Button>)}
          </div>
        </>
      )}
    </FormDialog>
  );
}

// Empty: none.
function Limit({ label, value, unit, onChange }: { label: string; value: number | undefined; unit: string; onChange: (value: number | undefined) => void }) {
  return <NumberField label={label} value={value ?? Number.NaN} min={0} max={1e9} unit={unit} onChange={(next) => onChange(Number.isNaN(next) ? undefined : next)} />;
}

function Figure({ type, trigger, change }: { type: string; trigger: FigureTrigger; change: (trigger: Trigger) => void }) {
  const counters = subjectOf(type)!.counters;
  const unit = counters.find((each) => each.id === trigger.counter)?.unit ?? '';
  return (
    <div className="trigger-fields">
      <SelectField label="Figure" value={String(trigger.counter)} onChange={(counter) => change({ ...trigger, counter: Number(counter) })} choices={counters.map((each) => ({ value: String(each.id), label: `${each.label} (${each.unit})` }))} />
      <SelectField label="Is" value={trigger.isAbove ? 'above' : 'below'} onChange={(is) => change({ ...trigger, isAbove: is === 'above' })} choices={[{ value: 'above', label: 'above' }, { value: 'below', label: 'below' }]} />
      <Limit label="Warning" value={trigger.yellow} unit={unit} onChange={(yellow) => change({ ...trigger, yellow })} />
      <Limit label="Alert" value={trigger.red} unit={unit} onChange={(red) => change({ ...trigger, red })} />
      <NumberField label="For" value={trigger.minutes} min={0} max={1440} unit="minutes" onChange={(minutes) => change({ ...trigger, minutes })} />
    </div>
  );
}

function State({ type, trigger, change }: { type: string; trigger: StateTrigger; change: (trigger: Trigger) => void }) {
  const states = subjectOf(type)!.states;
  const values = states.find((each) => each.path === trigger.path)?.values ?? [];
  const choices = [{ value: '', label: 'Never' }, ...values.map((value) => ({ value, label: stateWords(value) }))];
  return (
    <div className="trigger-fields">
      <SelectField label="State" value={trigger.path} onChange={(path) => change({ ...trigger, path, yellow: undefined, red: states.find((each) => each.path === path)?.values[1] })} choices={states.map((each) => ({ value: each.path, label: each.label }))} />
      <SelectField label="Where it" value={trigger.isEqual ? 'is' : 'is not'} onChange={(is) => change({ ...trigger, isEqual: is === 'is' })} choices={[{ value: 'is', label: 'is' }, { value: 'is not', label: 'is not' }]} />
      <SelectField label="Warning" value={trigger.yellow ?? ''} onChange={(value) => change({ ...trigger, yellow: value || undefined })} choices={choices} />
      <SelectField label="Alert" value={trigger.red ?? ''} onChange={(value) => change({ ...trigger, red: value || undefined })} choices={choices} />
    </div>
  );
}

function Event({ trigger, change }: { trigger: EventTrigger; change: (trigger: Trigger) => void }) {
  const known = useLoaded(() => get<Data>(manager('eventManager')!, 'description'), []);
  const events = [...new Map(((known.value?.eventInfo ?? []) as Data[]).filter((each) => !/^Alarm/.test(each.key)).map((each) => [each.key as string, each])).values()];
  const choices = events.map((each) => ({ value: each.key as string, label: each.description || sentence(String(each.key).replace(/Event$/, '')) })).sort((a, b) => (a.label < b.label ? -1 : 1));
  if (!choices.some((each) => each.value === trigger.event)) choices.unshift({ value: trigger.event, label: trigger.eventId ?? (trigger.event || 'Choose') });
  return (
    <div className="trigger-fields">
      <SelectField label="Event" value={trigger.event} onChange={(event) => change({ ...trigger, event, eventId: undefined })} choices={choices} />
      <SelectField label="Then" value={trigger.level} onChange={(level) => change({ ...trigger, level: level as EventTrigger['level'] })} choices={[{ value: 'red', label: 'Alert' }, { value: 'yellow', label: 'Warning' }, { value: 'green', label: 'It is over' }]} />
    </div>
  );
}
