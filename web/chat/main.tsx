import { effect } from '@preact/signals';
import { render } from 'preact';
import { createCore } from '../core';
import { keepShell } from '../shell/register';
import { setClock, watchDays } from '../ui/day';
import { loginMark } from '../ui/login-mark';
import { openPage } from '../ui/page';
import { chances } from '../ui/source';
import './styles';
import { startAlerts } from './alerts';
import { App } from './app';
import { CoreProvider } from './context';
import { startIdle } from './idle';

const core = createCore({ base: location.origin, mark: loginMark });
setClock(() => core.now());
watchDays();

// Coming back to the page or the network is the moment to try again, not the end of a long wait.
addEventListener('online', () => core.nudge());
addEventListener('offline', () => core.nudge());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') core.nudge();
  else core.flush();
});
addEventListener('pagehide', () => core.flush());

effect(() => {
  if (core.connection.value.state === 'online') chances.value = chances.peek() + 1;
});

startAlerts(core);
startIdle(core);
openPage((root) =>
  render(
    <CoreProvider value={core}>
      <App />
    </CoreProvider>,
    root,
  ),
);
core.start();
keepShell(core);
