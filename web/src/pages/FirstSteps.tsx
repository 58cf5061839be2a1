// What to do first, as long as there is something to be done: the next step is a button.
import { actionsFor, perform, reasonFor } from '../actions/registry';
import { useSession, useStructure } from '../store/hooks';
import { inventory, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { session } from '../store/session';
import { Button } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Panel } from '../ui/Panel';

interface FirstStep {
  title: string;
  text: string;
  done: boolean;
  action?: string;
  on?: Entity;
  href?: string;
}

function steps(): FirstStep[] {
  const root = inventory.of(session.content?.rootFolder);
  const datacenter = inventory.all('Datacenter')[0];
  const cluster = inventory.all('ClusterComputeResource')[0];
  const host = inventory.all('HostSystem').find((each) => each.props['runtime.connectionState'] === 'connected');
  const store = inventory.all('Datastore').find((each) => each.props['summary.multipleHostAccess']) ?? inventory.all('Datastore')[0];
  const list: FirstStep[] = [];
  if (session.isCenter) {
    list.push(
      { title: 'Make a datacenter', text: 'It holds hosts that see the same networks and datastores.', done: Boolean(datacenter), action: 'place.newDatacenter', on: root },
      { title: 'Make a cluster', text: 'Machines move between its hosts without interruption.', done: Boolean(cluster), action: 'place.newCluster', on: datacenter },
      { title: 'Add a host', text: 'Its machines appear here; they run on meanwhile.', done: Boolean(host), action: 'place.addHost', on: cluster ?? datacenter },
    );
  }
  list.push(
    { title: 'Upload an ISO image', text: 'Drag it from your desktop onto a datastore’s Files tab.', done: inventory.ofType('VirtualMachine').size > 0, href: store && linkTo(store, 'files') },
    { title: 'Create a virtual machine', text: 'Choose the image, power it on, and install in its console.', done: inventory.ofType('VirtualMachine').size > 0, action: 'host.newVm', on: host },
  );
  return list;
}

export function FirstSteps() {
  useStructure();
  const { stream } = useSession();
  const list = steps();
  const next = list.find((each) => !each.done);
  // What is not there yet may still be on its way.
  if (!next || stream === 'starting') return null;
  return (
    <Panel title="First steps" className="first-steps">
      <ol>
        {list.map((step) => {
          const action = step.on && actionsFor([step.on]).find((each) => each.id === step.action);
          const reason = action && reasonFor(action, [step.on!]);
          return (
            <li key={step.title} className={step.done ? 'done' : step === next ? 'next' : ''}>
              <span className="step-mark">{step.done && <Icon name="check" title="Done" />}</span>
              <div><strong>{step.title}</strong><p>{step.text}</p></div>
              {step === next && action && <Button kind="primary" reason={reason} onClick={() => reason === undefined && void perform(action, [step.on!])}>{action.label}</Button>}
              {step === next && step.href && <a className="btn btn-primary" href={step.href}>Open datastore</a>}
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
