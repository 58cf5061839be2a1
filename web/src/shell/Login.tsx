import { Alert } from '../ui/patternfly';
import { useState, type FormEvent } from 'react';
import { ServerFault, wordsFor } from '../api/client';
import { useSession } from '../store/hooks';
import { session } from '../store/session';

export function Login() {
  const { content, notice, phase } = useSession();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError('');
    try {
      await session.login(user, password);
    } catch (failure) {
      setError(failure instanceof ServerFault && failure.kind === 'InvalidLogin' ? 'The user name or the password is wrong.' : wordsFor(failure));
      setPassword('');
      setBusy(false);
    }
  };
  const about = content?.about;
  return (
    <main className="login">
      <form className="login-box" onSubmit={(event) => void submit(event)}>
        <div className="login-brand"><img src="./icon.svg" alt="" width="34" height="34" /><span>drover</span></div>
        <h1>{about ? (about.apiType === 'VirtualCenter' ? 'Center' : 'Host') : 'Connecting'} <small>{location.hostname}</small></h1>
        {notice && <Alert isInline variant="info" title={notice} />}
        {error && <Alert isInline variant="danger" title={error} aria-live="assertive" />}
        <label htmlFor="user">User name</label>
        <input id="user" className="input" name="username" autoComplete="username" autoFocus required value={user} onChange={(event) => setUser(event.target.value)} spellCheck={false} autoCapitalize="none" />
        <label htmlFor="password">Password</label>
        <input id="password" className="input" name="password" type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        <button type="submit" className="btn btn-primary btn-wide" disabled={busy || !about}>{busy || phase === 'loading' ? 'Logging in…' : 'Log in'}</button>
        <p className="login-about">{about?.fullName}</p>
      </form>
    </main>
  );
}
