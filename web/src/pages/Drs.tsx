// DRS of a cluster: how evenly its hosts are loaded, what it advises or does, why, what is in the
// way, and what it has done.
import { Alert } from '../ui/patternfly';
import { useState, type ReactNode } from 'react';
import { actionsFor, lacking, perform, reasonFor } from '../actions/registry';
import { call, localizedWords, wordsFor, type Data, type MoRef } from '../api/client';
import { drsReport, type DrsReport } from '../api/drs';
import { bytes, mhz, number, percent, when } from '../format/units';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf, naturalKey, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { Button } from '../ui/Button';
import { tell } from '../ui/dialogs';
import { Empty, Facts, Panel, ShareBar } from '../ui/Panel';
import { automationWords, thresholdWords } from '../wizards/EditDrs';

const MOST_MACHINES = 100;
const MOST_MOVES = 50;

interface Advice {
  key?: string;
  vm: string;
  from: string;
  to: string;
  why: string;
  needs: string[];
}

const named = (id: string | undefined, name = id ?? '') => {
  const entity = inventory.get(id);
  return entity ? <a href={linkTo(entity)}>{nameOf(entity)}</a> : name;
};

const capital = (text = '') => text.charAt(0).toUpperCase() + text.slice(1);

// What waits for somebody has a key; what DRS does by itself has none.
function advices(entity: Entity, report: DrsReport | undefined): Advice[] {
  const waiting = ((entity.props.recommendation ?? []) as Data[]).map((each): Advice => {
    const move = (each.action ?? []).find((one: Data) => one.drsMigration)?.drsMigration;
    return { key: each.key, vm: move?.vm?.value, from: move?.source?.value, to: move?.destination?.value, why: each.reasonText, needs: each.prerequisite ?? [] };
  });
  const own = (report?.moves ?? []).filter((each) => each.automatic && !waiting.some((one) => one.vm === each.vm))
    .map((each): Advice => ({ vm: each.vm, from: each.from, to: each.to, why: each.explanation, needs: [] }));
  return [...waiting, ...own];
}

function useAttempt() {
  const [busy, setBusy] = useState('');
  return {
    busy,
    attempt: async (what: string, work: () => Promise<unknown>) => {
      setBusy(what);
      await work().catch((error) => tell('This did not work', error));
      setBusy('');
    },
  };
}

function Advised({ entity, report }: { entity: Entity; report: DrsReport | undefined }) {
  const { busy, attempt } = useAttempt();
  const rows = advices(entity, report);
  const waiting = rows.filter((each) => each.key !== undefined);
  const may = lacking(entity, 'Resource.ApplyRecommendation');
  const carryOut = (all: Advice[]) => attempt(all.length > 1 ? 'all' : all[0]!.key!, async () => {
    for (const each of all) await call(entity.ref, 'ApplyRecommendation', { key: each.key });
  });
  return (
    <Panel title="Recommendations" actions={waiting.length > 1 && (
      <Button busy={busy === 'all'} reason={may} onClick={() => !may && void carryOut(waiting)}>Carry out all</Button>
    )}>
      {rows.length === 0 ? <p className="dim">Nothing would be gained by moving a machine now.</p> : (
        <table className="table">
          <thead><tr><th>Machine</th><th>From</th><th>To</th><th>Why</th><th /></tr></thead>
          <tbody>
            {rows.map((each) => (
              <tr key={each.key ?? each.vm}>
                <td className="nowrap">{named(each.vm)}</td><td className="nowrap">{named(each.from)}</td><td className="nowrap">{named(each.to)}</td>
                <td>{capital(each.why)}{each.needs.length > 0 && <small> Others go first.</small>}</td>
                <td className="right nowrap">
                  {each.key === undefined ? <span className="dim">By itself</span> : (
                    <span className="row-actions">
                      <Button busy={busy === each.key} reason={may} onClick={() => !may && void carryOut([each])}>Carry out</Button>
                      <Button kind="plain" icon="close" label="Dismiss this recommendation" onClick={() => void attempt('', () => call(entity.ref, 'CancelRecommendation', { key: each.key }))} />
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function obstacles(entity: Entity, report: DrsReport | undefined): [what: ReactNode, why: string][] {
  const faults = ((entity.props.drsFault ?? []) as Data[]).flatMap((each) => (each.faultsByVm ?? []) as Data[])
    .flatMap((each): [ReactNode, string][] => (each.fault ?? []).map((fault: Data) => [named(each.vm?.value, ''), localizedWords(fault)]));
  const rules = (report?.brokenRules ?? []).map((each): [ReactNode, string] => [each.vms.join(', '), `The rule “${each.rule}” is not kept.`]);
  return [...faults, ...rules];
}

function Hosts({ report }: { report: DrsReport }) {
  return (
    <Panel title="What the hosts are asked for" className="panel-wide">
      <table className="table">
        <thead><tr><th>Host</th><th className="right">Running</th><th>CPU</th><th>Memory</th></tr></thead>
        <tbody>
          {[...report.hosts].sort((a, b) => (naturalKey(a.name) < naturalKey(b.name) ? -1 : 1)).map((each) => (
            <tr key={each.id}>
              <td>{named(each.id, each.name)}{!each.takesMachines && <small> takes no machines</small>}</td>
              <td className="right">{number(each.vms)}</td>
              <td><ShareBar label={`CPU of ${each.name}`} share={each.cpuDemandMhz / (each.cpuMhz || Infinity)} text={`${mhz(each.cpuDemandMhz)}, ${percent(each.cpuDemandMhz, each.cpuMhz)}`} /></td>
              <td><ShareBar label={`Memory of ${each.name}`} share={each.memoryDemandBytes / (each.memoryBytes || Infinity)} text={`${bytes(each.memoryDemandBytes)}, ${percent(each.memoryDemandBytes, each.memoryBytes)}`} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function WhyNot({ cluster, id }: { cluster: MoRef; id: string }) {
  const [asked, ask] = useState(false);
  const found = useLoaded(async () => (asked ? (await drsReport(cluster, id)).vms.find((each) => each.id === id) : undefined), [asked, id]);
  if (!asked) return <button type="button" className="linkish" onClick={() => ask(true)}>Why does it stay?</button>;
  if (found.error) return <span className="bad">{wordsFor(found.error)}</span>;
  return <span>{found.value ? capital(found.value.whyNot ?? 'it is about to move') : '…'}</span>;
}

function Machines({ cluster, report }: { cluster: MoRef; report: DrsReport }) {
  const [text, setText] = useState('');
  const wanted = text.toLowerCase();
  const found = report.vms.filter((each) => !wanted || `${each.name} ${each.host ?? ''}`.toLowerCase().includes(wanted))
    .sort((a, b) => (a.score ?? 101) - (b.score ?? 101) || b.cpuDemandMhz - a.cpuDemandMhz);
  return (
    <Panel title="How well machines are served" actions={<input className="input filter" type="search" placeholder="Filter" aria-label="Filter machines" value={text} onChange={(event) => setText(event.target.value)} />}>
      <table className="table">
        <thead><tr><th>Machine</th><th>Host</th><th className="right">Score</th><th className="right">CPU asked for</th><th className="right">Memory asked for</th><th>Automation</th><th /></tr></thead>
        <tbody>
          {found.slice(0, MOST_MACHINES).map((each) => (
            <tr key={each.id}>
              <td>{named(each.id, each.name)}</td><td>{each.host ?? '–'}</td>
              <td className={`right nowrap${(each.score ?? 100) < 50 ? ' bad' : ''}`}>{each.score === undefined ? '–' : `${each.score} %`}</td>
              <td className="right nowrap">{mhz(each.cpuDemandMhz)}</td><td className="right nowrap">{bytes(each.memoryDemandBytes)}</td>
              <td>{automationWords(each.automation)}</td>
              <td>{each.moves ? 'It is to move' : <WhyNot key={each.host} cluster={cluster} id={each.id} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > MOST_MACHINES && <small>The {MOST_MACHINES} that are served worst, of {number(found.length)}.</small>}
      {found.length === 0 && <p className="dim">{wanted ? 'None matches the filter.' : 'No machine runs here.'}</p>}
    </Panel>
  );
}

function History({ entity, report }: { entity: Entity; report: DrsReport | undefined }) {
  const moves: { time: string; name: string; from: string; to: string; reason?: string }[] = report?.history ??
    ((entity.props.migrationHistory ?? []) as Data[]).map((each) => ({ time: each.time, name: each.vm?.value, from: each.source?.value, to: each.destination?.value }));
  if (moves.length === 0) return null;
  const newest = [...moves].sort((a, b) => Date.parse(b.time) - Date.parse(a.time)).slice(0, MOST_MOVES);
  return (
    <Panel title="Moves made">
      <table className="table">
        <thead><tr><th>When</th><th>Machine</th><th>From</th><th>To</th><th>Why</th></tr></thead>
        <tbody>
          {newest.map((each, index) => (
            <tr key={index}><td className="nowrap">{when(each.time)}</td><td className="nowrap">{named(each.name)}</td><td className="nowrap">{named(each.from)}</td><td className="nowrap">{named(each.to)}</td><td>{capital(each.reason)}</td></tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export default function Drs({ entity }: { entity: Entity }) {
  const p = entity.props;
  const config = p.configurationEx?.drsConfig;
  const keys = ((p.recommendation ?? []) as Data[]).map((each) => each.key).join();
  const found = useLoaded(() => drsReport(entity.ref), [entity.id, keys, config?.enabled, p.summary?.numVmotions, p.summary?.currentBalance]);
  const { busy, attempt } = useAttempt();
  const edit = actionsFor([entity]).find((each) => each.id === 'cluster.drs');
  const why = edit && reasonFor(edit, [entity]);
  const editButton = edit && <Button icon="edit" reason={why} onClick={() => why === undefined && void perform(edit, [entity])}>Edit DRS</Button>;
  const report = found.value;
  if (!config) return null;
  if (!config.enabled) {
    return (
      <>
        <Empty title="DRS is off"><p>It moves nothing. Switched on as Manual, it only says what it would do and why.</p>{editButton}</Empty>
        <History entity={entity} report={report} />
      </>
    );
  }
  const mayLook = lacking(entity, 'Host.Inventory.EditCluster');
  const inTheWay = obstacles(entity, report);
  return (
    <>
      {Boolean(found.error) && <Alert isInline variant="danger" title={wordsFor(found.error)} />}
      <div className="panels">
        <Panel title="DRS" actions={<>
          <Button busy={busy === 'look'} reason={mayLook} onClick={() => !mayLook && void attempt('look', () => call(entity.ref, 'RefreshRecommendation').then(found.reload))}>Think again</Button>
          {editButton}
        </>}>
          <Facts items={[
            ['Automation', automationWords(config.defaultVmBehavior)],
            ['Threshold', thresholdWords(config.vmotionRate)],
            ['Score', report && `${report.score} %`],
            ['Imbalance', report && `${number(report.imbalance, 2)}${report.moves.length > 0 ? `, ${number(report.imbalanceAfter, 2)} after the moves below` : ''}`],
            ['Moves made', report && number(report.movesMade)],
          ]} />
          <small>The score says how much of what the machines want they get. The imbalance is 0 where all hosts are loaded alike.</small>
        </Panel>
        {report && <Hosts report={report} />}
      </div>
      <Advised entity={entity} report={report} />
      {inTheWay.length > 0 && (
        <Panel title="In the way">
          <table className="table">
            <thead><tr><th>Machine</th><th>What</th></tr></thead>
            <tbody>{inTheWay.map(([what, words], index) => <tr key={index}><td>{what}</td><td>{words}</td></tr>)}</tbody>
          </table>
        </Panel>
      )}
      {report && <Machines cluster={entity.ref} report={report} />}
      <History entity={entity} report={report} />
      {!report && found.loading && <Empty title="Thinking" />}
    </>
  );
}
