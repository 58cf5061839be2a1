// Light, dark, or as the computer says.
export type Theme = 'auto' | 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

export function theme(): Theme {
  const kept = localStorage.getItem('drover.theme');
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

export function isDark(): boolean {
  return theme() === 'dark' || (theme() === 'auto' && dark.matches);
}

export function applyTheme(choice?: Theme) {
  if (choice) localStorage.setItem('drover.theme', choice);
  document.documentElement.classList.toggle('pf-v6-theme-dark', isDark());
}

dark.addEventListener('change', () => applyTheme());
