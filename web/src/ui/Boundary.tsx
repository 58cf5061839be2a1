// A page that fails says so in its place; everything around it stays usable.
import { Component, type ReactNode } from 'react';
import { Empty } from './Panel';

interface Props {
  /** Another one means another page: the failure is forgotten. */
  name: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { failure?: Error; of?: string }> {
  override state: { failure?: Error; of?: string } = {};

  static getDerivedStateFromError(failure: Error) {
    return { failure };
  }

  static getDerivedStateFromProps(props: Props, state: { failure?: Error; of?: string }) {
    if (state.of === props.name) return null;
    return { of: props.name, failure: undefined };
  }

  override render() {
    if (!this.state.failure) return this.props.children;
    return (
      <Empty title="This page can’t be shown">
        <p>{this.state.failure.message}</p>
        <button type="button" className="btn" onClick={() => this.setState({ failure: undefined })}>Try again</button>
      </Empty>
    );
  }
}
