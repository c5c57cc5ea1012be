// The styles of the chat's first look, in their order. What shows a conversation brings its own (conversation.tsx).

import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/parts.css';
import '../ui/styles/rows.css';
import '../ui/styles/overlays.css';
import '../ui/styles/gate.css';
import './styles/shell.css';
import './styles/text.css';
import './styles/pictures.css';
import './styles/pages.css';
