import Console from '../console/Console';
import type { TabProps } from './tabs';

export default function ConsoleTab({ entity }: TabProps) {
  return <Console id={entity.id} />;
}
