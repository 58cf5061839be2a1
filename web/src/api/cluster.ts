// A cluster's configuration: what is named is changed, the rest stays.
import { call, type Data, type MoRef } from './client';
import { tasks } from '../store/tasks';

/** Returns when the center has taken it; throws what it says against it. */
export async function reconfigureCluster(cluster: MoRef, spec: Data): Promise<void> {
  const task = await call<MoRef>(cluster, 'ReconfigureComputeResource_Task', { spec: { _typeName: 'ClusterConfigSpecEx', ...spec }, modify: true });
  await tasks.finish(task);
}

/** Values of type anyType say which type they have. */
export const boxed = (type: 'int' | 'string', value: number | string): Data => ({ _typeName: type, _value: value });
