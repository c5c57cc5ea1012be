import { render } from 'preact';
import { setClock } from '../ui/day';
import { explainMore } from '../ui/problem';
import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/parts.css';
import '../ui/styles/overlays.css';
import './styles/frame.css';
import './styles/table.css';
import './styles/views.css';
import { App } from './app';
import { api, begin } from './client';
import { a } from './text';

setClock(() => api.serverNow());
explainMore(() => a.value.problem);
render(<App />, document.getElementById('app') as HTMLElement);
void begin();
