import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '@patternfly/react-core/dist/styles/base.css';
import './style/app.css';
import { App } from './shell/App';
import { session } from './store/session';
import { applyTheme } from './shell/theme';

applyTheme();
createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>);

const resume = () =>
  session.resume().catch(() => {
    // The server is not there yet; the page says so and tries again.
    session.unreachable();
    setTimeout(resume, 2000);
  });
void resume();
