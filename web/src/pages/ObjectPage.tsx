// The page of one object: the same head and the same tabs for every kind.
import { Suspense, useEffect } from 'react';
import { actionItems, actionsFor, perform, reasonFor } from '../actions/registry';
import { useDetail, useEntity, useSession } from '../store/hooks';
import { ancestorsOf, iconOf, kindOf, linkTo, markOf, titleOf } from '../store/kinds';
import { Button } from '../ui/Button';
import { hostState, machineState } from '../ui/columns';
import { Icon } from '../ui/Icon';
import { MenuButton } from '../ui/Menu';
import { Empty } from '../ui/Panel';
import { raisedOf } from './Alarms';
import { tabsOf } from './tabs';

const QUICK = ['vm.powerOn', 'vm.shutdown', 'vm.console', 'vm.edit', 'vm.migrate', 'host.newVm', 'host.maintenance', 'host.leaveMaintenance', 'place.newVm', 'place.addHost', 'place.newDatacenter', 'place.newCluster', 'datastore.browse'];

export function ObjectPage({ id, type, tab }: { id: string; type: string; tab: string }) {
  const entity = useEntity(id);
  useDetail(entity?.ref);
  const title = titleOf(entity);
  useEffect(() => {
    document.title = title ? `${title} – drover` : 'drover';
  }, [title]);
  const { stream } = useSession();
  if (!entity && stream === 'starting') return <Empty title="Loading" />;
  if (!entity) {
    return (
      <Empty title={`There is no such ${kindOf(type).one}`}>
        <p>It may have been removed, or you may not see it. <a href="#/">Go to the start page</a></p>
      </Empty>
    );
  }
  const tabs = tabsOf(entity);
  const shown = tabs.find((each) => each.id === tab) ?? tabs[0]!;
  const Content = shown.content;
  const raised = raisedOf(entity)?.filter((each) => !each.acknowledged) ?? [];
  const quick = actionsFor([entity]).filter((each) => QUICK.includes(each.id));
  const state = entity.type === 'VirtualMachine' ? machineState(entity) : entity.type === 'HostSystem' ? hostState(entity) : undefined;
  return (
    <div className="page">
      <header className="page-head">
        <nav className="crumbs" aria-label="Where it is">
          {ancestorsOf(entity).map((each) => (
            <a key={each.id} href={linkTo(each)}>{titleOf(each)}</a>
          ))}
        </nav>
        <div className="page-title">
          <Icon name={iconOf(entity)} mark={markOf(entity)} />
          <h1>{title}</h1>
          {state && <span className={`badge badge-${state.toLowerCase().replace(/ /g, '-')}`}>{state}</span>}
          {raised.length > 0 && <a className={`badge badge-alarm-${raised[0]!.overallStatus}`} href={linkTo(entity, 'monitor', { show: 'alarms' })}>{raised.length === 1 ? '1 alarm' : `${raised.length} alarms`}</a>}
          <div className="page-actions" role="toolbar" aria-label="Actions">
            {quick.map((action) => (
              <Button key={action.id} icon={action.icon} id={`do-${action.id}`} reason={reasonFor(action, [entity])}
                onClick={() => reasonFor(action, [entity]) === undefined && void perform(action, [entity])}>
                {action.label.replace('…', '')}
              </Button>
            ))}
            <MenuButton label="All actions" className="btn-actions" items={() => actionItems([entity])}>All actions <Icon name="down" /></MenuButton>
          </div>
        </div>
        <div className="tabs" role="tablist" aria-label="Pages of this object" onKeyDown={(event) => {
          const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
          if (step === 0) return;
          const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length]!;
          location.hash = linkTo(entity, next.id);
          requestAnimationFrame(() => document.getElementById(`tab-${next.id}`)?.focus());
        }}>
          {tabs.map((each) => (
            <a key={each.id} id={`tab-${each.id}`} role="tab" aria-selected={each === shown} aria-controls="tab-panel" tabIndex={each === shown ? 0 : -1} href={linkTo(entity, each.id)}>{each.title}</a>
          ))}
        </div>
      </header>
      <div className={`page-body page-${shown.id}`} role="tabpanel" id="tab-panel" aria-labelledby={`tab-${shown.id}`} tabIndex={-1}>
        <Suspense fallback={null}>
          <Content key={entity.id} entity={entity} />
        </Suspense>
      </div>
    </div>
  );
}
