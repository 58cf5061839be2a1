import type { ReactNode } from 'react';

/** A titled part of a page. */
export function Panel({ title, actions, children, className = '' }: {
  title: string; actions?: ReactNode; children: ReactNode; className?: string;
}) {
  return (
    <section className={`panel ${className}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions && <div className="panel-actions">{actions}</div>}
      </header>
      <div className="panel-body">{children}</div>
    </section>
  );
}

/** Names and values. A value that is absent is left out with its name. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {items
        .filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** How much of something is used. Amber above 75 %, red above 90 %, unless it is `calm`: where all may well be used. */
export function Meter({ label, used, total, text, note, calm }: {
  label: string; used: number | undefined; total: number | undefined; text: string; note?: string; calm?: boolean;
}) {
  const share = used !== undefined && total ? Math.min(1, Math.max(0, used / total)) : 0;
  const level = calm ? 'normal' : share > 0.9 ? 'high' : share > 0.75 ? 'raised' : 'normal';
  return (
    <div className="meter">
      <div className="meter-text">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      <div className="meter-bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)} aria-valuetext={text}>
        <div className={`meter-fill meter-${level}`} style={{ width: `${share * 100}%` }} />
      </div>
      {note && <small>{note}</small>}
    </div>
  );
}

/** The same as a Meter, as small as a cell of a table. */
export function ShareBar({ label, share, text }: { label: string; share: number; text: string }) {
  const level = share > 0.9 ? 'high' : share > 0.75 ? 'raised' : 'normal';
  return (
    <span className="bar">
      <span className="bar-track" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(Math.min(1, share) * 100)} aria-valuetext={text}>
        <span className={`bar-fill meter-${level}`} style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span>{text}</span>
    </span>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h3>{title}</h3>
      {children && <div>{children}</div>}
    </div>
  );
}
