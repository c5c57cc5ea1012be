import { render } from 'preact';
import { createCore } from '../core';
import { keepShell } from '../shell/register';
import { setClock, watchDays } from '../ui/day';
import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/parts.css';
import '../ui/styles/rows.css';
import '../ui/styles/overlays.css';
import '../ui/styles/gate.css';
import './styles/shell.css';
import './styles/conversation.css';
import './styles/text.css';
import './styles/composing.css';
import './styles/media.css';
import './styles/pictures.css';
import './styles/pages.css';
import { startAlerts } from './alerts';
import { App } from './app';
import { CoreProvider } from './context';
import { startIdle } from './idle';

const core = createCore({ base: location.origin });
setClock(() => core.now());
watchDays();

// Coming back to the page or the network is the moment to try again, not the end of a long wait.
addEventListener('online', () => core.nudge());
addEventListener('offline', () => core.nudge());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') core.nudge();
});

startAlerts(core);
startIdle(core);
render(
  <CoreProvider value={core}>
    <App />
  </CoreProvider>,
  document.getElementById('app') as HTMLElement,
);
core.start();
keepShell(core);
