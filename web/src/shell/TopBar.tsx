import { useState } from 'react';
import { useSession } from '../store/hooks';
import { link, useRoute } from '../store/route';
import { session } from '../store/session';
import { Icon } from '../ui/Icon';
import { MenuButton } from '../ui/Menu';
import { Search } from './Search';
import { applyTheme, isDark, theme } from './theme';

export function TopBar() {
  const { user, stream, content } = useSession();
  const route = useRoute();
  const [dark, setDark] = useState(isDark());
  const choose = (choice: 'auto' | 'light' | 'dark') => {
    applyTheme(choice);
    setDark(isDark());
  };
  const part = route.path[0] === 'list' ? 'list' : route.path[0] === 'roles' ? 'roles' : 'inventory';
  return (
    <header className="top">
      <a className="brand" href="#/"><img src="./icon.svg" alt="" width="22" height="22" /><span>drover</span></a>
      <nav className="top-nav" aria-label="Parts">
        <a href="#/" aria-current={part === 'inventory' ? 'page' : undefined}>Inventory</a>
        <a href={link(['list', 'vm'])} aria-current={part === 'list' ? 'page' : undefined}>Lists</a>
        <a href={link(['roles'])} aria-current={part === 'roles' ? 'page' : undefined}>Roles</a>
      </nav>
      <Search />
      <span className="spacer" />
      <span className={`stream stream-${stream}`} role="status">{stream === 'interrupted' ? 'Connection lost. Trying again…' : ''}</span>
      <button type="button" className="btn btn-plain" aria-label={dark ? 'Use light colours' : 'Use dark colours'} title={dark ? 'Light' : 'Dark'} onClick={() => choose(dark ? 'light' : 'dark')}>
        <Icon name={dark ? 'sun' : 'moon'} />
      </button>
      <MenuButton label="User" className="btn-plain" items={() => [
        { id: 'about', label: content?.about?.fullName ?? 'drover', reason: `API ${content?.about?.apiVersion ?? ''}`, run: () => {} },
        'line',
        { id: 'auto', label: 'Colours as the computer has them', checked: theme() === 'auto', run: () => choose('auto') },
        'line',
        { id: 'logout', label: 'Log out', run: () => void session.logout() },
      ]}><Icon name="user" /> {user}</MenuButton>
    </header>
  );
}
