// Adds a host. The server is asked first who answers at that address; its certificate's thumbprint
// is shown and must be accepted before the password is used for anything.
import { Alert } from '../ui/patternfly';
import { useState } from 'react';
import { call, ServerFault, type Data, type MoRef } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { datacenterOf } from '../store/kinds';
import { TaskFailed, tasks } from '../store/tasks';
import { FormDialog } from '../ui/dialogs';
import { CheckField, TextField } from '../ui/fields';
import { hostFolderOf } from '../actions/places';

export function AddHost({ place, close }: { place: Entity; close: () => void }) {
  const [hostName, setHostName] = useState('');
  const [userName, setUserName] = useState('root');
  const [password, setPassword] = useState('');
  const [thumbprint, setThumbprint] = useState('');
  const [force, setForce] = useState(false);
  const target = hostFolderOf(place);

  // Asked before anything is done, so that a certificate that is not known yet is no failed task.
  const isStranger = async (spec: Data): Promise<boolean> => {
    const datacenter = datacenterOf(target);
    if (!datacenter) return false;
    try {
      await call(datacenter.ref, 'QueryConnectionInfoViaSpec', { spec });
      return false;
    } catch (error) {
      const fault = error instanceof ServerFault ? error.detail : undefined;
      if (fault?._typeName !== 'SSLVerifyFault' || !fault.thumbprint) throw error;
      setThumbprint(fault.thumbprint);
      return true;
    }
  };

  const submit = async () => {
    const spec: Data = { _typeName: 'HostConnectSpec', hostName: hostName.trim(), userName, password, force };
    if (thumbprint) spec.sslThumbprint = thumbprint;
    if (!thumbprint && (await isStranger(spec))) return 'stay' as const;
    const isCluster = target.type === 'ClusterComputeResource';
    try {
      const task = await call<MoRef>(target.ref, isCluster ? 'AddHost_Task' : 'AddStandaloneHost_Task', {
        spec, asConnected: true, ...(isCluster ? {} : { addConnected: true }),
      });
      await tasks.finish(task);
      return undefined;
    } catch (error) {
      const fault = error instanceof TaskFailed ? error.info.error?.fault : error instanceof ServerFault ? error.detail : undefined;
      if (fault?._typeName === 'SSLVerifyFault' && fault.thumbprint && fault.thumbprint !== thumbprint) {
        setThumbprint(fault.thumbprint);
        return 'stay' as const;
      }
      throw error;
    }
  };

  const names = [...inventory.all('HostSystem')].map(nameOf);
  return (
    <FormDialog title={`Add host to ${nameOf(place)}`} submitLabel={thumbprint ? 'Trust and add' : 'Add host'} close={close} submit={submit}
      reason={
        !hostName.trim() ? 'Which host? Enter its name or address.'
          : names.includes(hostName.trim()) ? 'This host is in the inventory already.'
          : !userName ? 'Enter a user of the host.'
          : undefined
      }>
      <TextField label="Name or address" value={hostName} first placeholder="host1.example.org"
        onChange={(value) => {
          setHostName(value);
          setThumbprint('');
        }} />
      <TextField label="User" value={userName} onChange={setUserName} hint="An administrator of the host; the center makes an account of its own with it." />
      <TextField label="Password" type="password" value={password} onChange={setPassword} autoComplete="new-password" />
      <CheckField label="Take it from another center" value={force} onChange={setForce} hint="Only if the host belongs to a center that is gone." />
      {thumbprint && (
        <Alert isInline variant="warning" title="The host presents a certificate that is not known here">
          <p>Its SHA-1 thumbprint:</p>
          <code className="thumbprint">{thumbprint}</code>
          <p>Compare it before you go on. On the host, <code>openssl x509 -noout -fingerprint -sha1 -in /var/lib/drover/hostd/tls/certificate.pem</code> shows the same one if nobody stands between.</p>
        </Alert>
      )}
    </FormDialog>
  );
}
