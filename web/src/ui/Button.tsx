// A button that says why it can't be pressed, instead of only being grey.
import { Button as PfButton, Tooltip } from './patternfly';
import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';

interface Props {
  children?: ReactNode;
  kind?: 'primary' | 'secondary' | 'danger' | 'link' | 'plain';
  icon?: IconName;
  label?: string;
  reason?: string;
  busy?: boolean;
  type?: 'button' | 'submit';
  form?: string;
  id?: string;
  onClick?: () => void;
}

export function Button({ children, kind = 'secondary', icon, label, reason, busy, type = 'button', form, id, onClick }: Props) {
  const button = (
    <PfButton variant={kind} size="sm" type={type} form={form} id={id} aria-label={label} isLoading={busy}
      isAriaDisabled={Boolean(reason) || busy} onClick={onClick} icon={icon ? <Icon name={icon} /> : undefined}
      data-reason={reason}>
      {children}
    </PfButton>
  );
  if (!reason && !label) return button;
  return <Tooltip content={reason || label}>{button}</Tooltip>;
}
