// The frame: top bar, navigator, page, dock.
import { lazy, Suspense, useEffect } from 'react';
import { ListPage } from '../pages/ListPage';
import { ObjectPage } from '../pages/ObjectPage';
import { Roles } from '../pages/Roles';
import { useEntity, useRemembered, useSession } from '../store/hooks';
import { nameOf } from '../store/inventory';
import { typeOfSlug } from '../store/kinds';
import { useRoute } from '../store/route';
import { session } from '../store/session';
import { Boundary } from '../ui/Boundary';
import { closeDialogs, DialogHost } from '../ui/dialogs';
import { Empty } from '../ui/Panel';
import { Dock } from './Dock';
import { Login } from './Login';
import { Navigator } from './Navigator';
import { TopBar } from './TopBar';

const Console = lazy(() => import('../console/Console'));

function ConsoleWindow({ id }: { id: string }) {
  const machine = useEntity(id);
  useEffect(() => {
    document.title = `${nameOf(machine)} – console`;
  }, [machine]);
  return <main className="console-window"><Suspense fallback={null}><Console id={id} /></Suspense><DialogHost /></main>;
}

function Page() {
  const { path } = useRoute();
  const [first = '', second = '', third = 'summary'] = path;
  const type = typeOfSlug(first);
  if (type && second) return <ObjectPage key={second} id={second} type={type} tab={third} />;
  if (first === 'list') return <ListPage type={typeOfSlug(second) ?? 'VirtualMachine'} />;
  if (first === 'roles') return <Roles />;
  if (first === '') {
    const root = session.content.rootFolder;
    return <ObjectPage id={root.value} type={root.type} tab="summary" />;
  }
  return <Empty title="There is no such page"><p><a href="#/">Go to the start page</a></p></Empty>;
}

export function App() {
  const { phase, notice } = useSession();
  const route = useRoute();
  const [width, setWidth] = useRemembered('navigator-width', 264);
  useEffect(() => {
    if (phase === 'out') closeDialogs();
  }, [phase]);
  if (phase === 'asking') return <main className="login" aria-busy>{notice && <p>{notice}</p>}</main>;
  if (phase !== 'in') return <Login />;
  if (route.path[0] === 'console' && route.path[1]) return <ConsoleWindow id={route.path[1]} />;
  return (
    <div className="app" style={{ gridTemplateColumns: `${width}px minmax(0, 1fr)` }}>
      <TopBar />
      <Boundary name="navigator"><Navigator /></Boundary>
      <div className="nav-grip" role="separator" aria-orientation="vertical" aria-label="Width of the inventory" tabIndex={0} aria-valuenow={width} aria-valuemin={160} aria-valuemax={600} style={{ left: width - 3 }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') setWidth(Math.max(160, width - 16));
          if (event.key === 'ArrowRight') setWidth(Math.min(600, width + 16));
        }}
        onPointerDown={(event) => {
          event.preventDefault();
          const move = (moved: PointerEvent) => setWidth(Math.max(160, Math.min(600, moved.clientX)));
          const up = () => {
            removeEventListener('pointermove', move);
            removeEventListener('pointerup', up);
          };
          addEventListener('pointermove', move);
          addEventListener('pointerup', up);
        }} />
      <main className="workspace"><Boundary name={route.path.join('/')}><Page /></Boundary></main>
      <Dock />
      <DialogHost />
    </div>
  );
}
