// Chooses a file of a datastore among all that match a pattern.
import { wordsFor } from '../api/client';
import { useLoaded } from '../store/hooks';
import { nameOf, type Entity } from '../store/inventory';
import { SelectField } from '../ui/fields';
import { searchFiles } from '../api/files';

export function FileField({ label, value, onChange, stores, pattern, none = 'None' }: {
  label: string; value: string; onChange: (path: string) => void; stores: Entity[]; pattern: string; none?: string;
}) {
  const found = useLoaded(async () => {
    const lists = await Promise.allSettled(stores.map((each) => searchFiles(each, pattern)));
    return lists.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  }, [stores.map((each) => each.id).join()]);
  const paths = [...new Set([...(found.value ?? []), ...(value ? [value] : [])])].sort();
  return (
    <SelectField label={label} value={value} onChange={onChange} error={found.error ? wordsFor(found.error) : undefined}
      hint={found.loading ? 'Looking for images…' : paths.length === 0 ? `There is no ${pattern} on ${stores.map(nameOf).join(', ') || 'any datastore'}.` : undefined}
      choices={[{ value: '', label: none }, ...paths.map((path) => ({ value: path, label: path }))]} />
  );
}
